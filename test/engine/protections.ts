/** For each protection that can be taken out a schedule that needs it; gives what went wrong. */
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import { spec } from '../decide/requests.js';
import { Cluster } from './cluster.js';
import { wrongWith } from './invariants.js';
import { initiated, plan, policy } from './plans.js';

/** Runs work on two coordinators to its end. */
async function wrongIn(
  work: (cluster: Cluster) => Promise<{ readonly xid: Xid; readonly wrong?: readonly string[] }>,
): Promise<string[]> {
  const cluster = new Cluster();
  for (let i = 0; i < 2; i++) await cluster.start();
  try {
    const { xid, wrong = [] } = await work(cluster);
    await cluster.finish([xid]);
    return [...wrong, ...(await wrongWith(cluster, [xid]))];
  } catch (error) {
    return [`I11 ${(error as Error).message}`];
  } finally {
    for (const process of cluster.processes) process.kill();
  }
}

const add = (id: string, kind: 'saga' | 'tcc' = 'tcc') =>
  ({ type: 'add_branch', spec: spec({ id, kind, input: {} }) }) as const;

export const protections: Partial<Record<PlantedBug, () => Promise<string[]>>> = {
  'append-without-predecessor-check': () =>
    wrongIn(async (cluster) => {
      cluster.network.passage = ({ body }) => ({ answerDelayMs: body.branch === 3 ? 500 : 0 });
      const xid = cluster.open(cluster.processes[0]!, plan([{ id: 'a' }, { id: 'b' }, { id: 'c' }]));
      await cluster.world.settle();
      cluster.disk.logs.get(xid)?.splice(2);
      await cluster.world.advance(5000);
      return { xid };
    }),

  'answer-before-commit': () =>
    wrongIn(async (cluster) => {
      const xid = cluster.newXid();
      const [one, two] = cluster.processes;
      await one!.engine.handle(xid, initiated());
      await one!.engine.handle(xid, add('a'));
      await cluster.world.settle();
      await two!.engine.read(xid);
      const answers = await Promise.allSettled([
        one!.engine.handle(xid, { type: 'commit' }),
        two!.engine.handle(xid, { type: 'rollback', reason: 'no' }),
      ]);
      return { xid, wrong: answers.every(({ status }) => status === 'fulfilled') ? ['I3 both were told yes'] : [] };
    }),

  'no-sweep': () =>
    wrongIn(async (cluster) => {
      cluster.queueLoses = ({ attempt }) => attempt === 1;
      return { xid: cluster.open(cluster.processes[0]!, plan([{ id: 'a' }])) };
    }),

  'no-adoption-attempt': async () => {
    const { kills } = await poisoned();
    return kills === policy.crashesMax ? [] : [`Q10 killed ${kills} coordinators, expected ${policy.crashesMax}`];
  },

  'expired-commands-are-sent': () =>
    wrongIn(async (cluster) => {
      const [owner, other] = cluster.processes;
      cluster.onSeam = (seam) => {
        if (seam !== 'before send' || cluster.world.ms > 0) return;
        owner!.pause();
        other!.clock.after(30_000, owner!.resume);
      };
      const xid = cluster.open(owner!, plan([{ id: 'a' }]));
      await cluster.world.advance(60_000);
      return { xid, wrong: cluster.sent('c1').map((command) => `G2 ${command} was sent after its expiry`) };
    }),

  'lease-never-ends': () =>
    wrongIn(async (cluster) => {
      const [owner] = cluster.processes;
      owner!.faults.renew = () => 'fails';
      await cluster.world.advance(11_000);
      return { xid: cluster.open(owner!, plan([{ id: 'a' }])) };
    }),

  'rollback-while-forward-in-flight': () =>
    wrongIn(async (cluster) => {
      cluster.network.passage = () => ({ answerDelayMs: 500 });
      const xid = cluster.open(cluster.processes[0]!, plan([{ id: 'a' }]));
      await cluster.world.advance(100);
      await cluster.processes[0]!.engine.handle(xid, { type: 'rollback', reason: 'no' });
      return { xid };
    }),

  'undo-in-any-order': () =>
    wrongIn(async (cluster) => {
      cluster.network.passage = ({ body }) => ({ delayMs: body.op === 'compensate' ? 100 * body.branch : 0 });
      return {
        xid: cluster.open(
          cluster.processes[0]!,
          plan([{ id: 'a' }, { id: 'b' }, { id: 'c', input: { forward: 'refused' } }]),
        ),
      };
    }),

  'forget-unknown-branches-in-rollback': () =>
    wrongIn(async (cluster) => ({
      xid: cluster.open(cluster.processes[0]!, plan([{ id: 'a', input: { forward: 'loses the answer' } }])),
    })),

  'timeout-is-a-no': () =>
    wrongIn(async (cluster) => {
      cluster.network.passage = ({ body }) => ({ answerLost: body.op === 'action' });
      return {
        xid: cluster.open(cluster.processes[0]!, plan([{ id: 'a', retry: { ...policy.retry, attemptsMax: 1 } }])),
      };
    }),

  'pending-for-ever': () =>
    wrongIn(async (cluster) => ({
      xid: cluster.open(cluster.processes[0]!, plan([{ id: 'a', kind: 'tcc', input: { commit: 'busy' } }])),
    })),

  'refused-undo-is-done': () =>
    wrongIn(async (cluster) => {
      const steps = [
        { id: 'a', input: { rollback: 'refused' } },
        { id: 'b', input: { forward: 'refused' } },
      ] as const;
      return { xid: cluster.open(cluster.processes[0]!, plan(steps)) };
    }),

  'accept-any-late-outcome': () =>
    wrongIn(async (cluster) => {
      const [one] = cluster.processes;
      const xid = cluster.open(one!, plan([{ id: 'a' }, { id: 'b' }]));
      await cluster.finish([xid]);
      await one!.engine.report(cluster.network.sent[0]!.command, { kind: 'refused', reason: 'after all' });
      return { xid };
    }),
};

/** Each process dies as soon as it has sent the confirm; how many did. */
export async function poisoned(): Promise<{ readonly kills: number; readonly status: string }> {
  const cluster = new Cluster();
  let kills = 0;
  cluster.onSeam = (seam, name) => {
    if (seam !== 'after send' || cluster.sent().at(-1) !== '1.confirm') return;
    kills++;
    cluster.processes.find((process) => process.name === name)?.kill();
  };
  const patient = { ...policy, parkAfterMs: 3_600_000 };
  const xid = cluster.open(await cluster.start(), plan([{ id: 'a', kind: 'tcc' }], { policy: patient }));
  for (let i = 0; i < 10 && !(await cluster.finish([xid], 25_000)); i++) await cluster.start();
  return { kills, status: await cluster.status(xid) };
}
