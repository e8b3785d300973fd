import type { ExecutionContext } from 'ava';
import type { Xid } from '../../sdk/protocol/ids.js';
import { Cluster, type Process } from './cluster.js';
import { wrongWith } from './invariants.js';

/** A client's work; it is begun anew with every coordinator that comes up, as a client does that got no answer. */
export type Client = (process: Process, xid: Xid) => Promise<unknown>;

export interface Stopped {
  readonly cluster: Cluster;
  readonly xid: Xid;
  /** How many seams each process reached. */
  readonly reached: readonly number[];
}

/** Stops the first coordinator at its k-th seam and the second at its j-th; a third sees to the end. 0: it is not stopped. */
export async function stoppedAt(
  client: Client,
  k: number,
  j = 0,
  cluster = new Cluster(k * 1000 + j + 1),
): Promise<Stopped> {
  const limits = [k, j];
  const reached = [0, 0, 0];
  cluster.onSeam = (_, name) => {
    const index = Number(name.slice(1)) - 1;
    reached[index] = (reached[index] ?? 0) + 1;
    if (reached[index] === limits[index]) cluster.processes[index]?.kill();
  };
  const xid = cluster.newXid();
  for (let index = 0; index < 3; index++) {
    const process = await cluster.start();
    client(process, xid).catch(() => undefined);
    if (limits[index]) await cluster.world.runUntil(() => process.clock.state === 'dead', 30_000);
    if (process.clock.state !== 'dead') break;
  }
  await cluster.world.settle();
  await cluster.finish([xid]);
  for (const process of cluster.processes) process.kill();
  return { cluster, xid, reached };
}

/** Stops the coordinator at each of its seams in turn. */
export async function everywhere(
  t: ExecutionContext,
  client: Client,
  ends: string,
  cluster: (seed: number) => Promise<Cluster> = async (seed) => new Cluster(seed),
): Promise<void> {
  const plain = await stoppedAt(client, 0, 0, await cluster(0));
  t.is(await plain.cluster.status(plain.xid), ends, 'without a stop');
  t.deepEqual(await wrongWith(plain.cluster, [plain.xid]), []);
  const seams = plain.reached[0] ?? 0;
  t.true(seams > 4);
  for (let k = 1; k <= seams; k++) {
    const stopped = await stoppedAt(client, k, 0, await cluster(k));
    t.deepEqual(await wrongWith(stopped.cluster, [stopped.xid]), [], `stopped at seam ${k} of ${seams}`);
    t.is(await stopped.cluster.status(stopped.xid), ends, `stopped at seam ${k} of ${seams}`);
  }
}
