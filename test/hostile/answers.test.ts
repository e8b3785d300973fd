/** Whatever a participant answers, to whatever op of whatever kind of branch: it means what the protocol says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { kindNames, type Op, phaseOf } from '../../sdk/protocol/kinds.js';
import { plant } from '../dispatch/participants.js';
import { type Started, startCoordinator } from '../http/registering.js';
import { type HostileAnswer, hostileAnswers } from './answers.js';
import { ops, type Site, startSite, xidOf } from './site.js';

const kindWith = (op: Op) => kindNames.find((kind) => phaseOf(kind, op) !== undefined);

/** A service that refuses, so that what came before is rolled back. */
async function startRefuser(t: ExecutionContext): Promise<string> {
  const server = createServer((request, response) => {
    const status = request.url?.endsWith('/action') ? 409 : 200;
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end('{"detail":"sold out"}');
    request.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A transaction in which that op comes. */
function requestFor(op: Op, url: string, refuser: string, hostile: HostileAnswer): object {
  const timeoutMs = hostile.slow ? 400 : 30_000;
  const kind = kindWith(op);
  // Larger than what a socket takes at once, where the answer comes before the command was read.
  const input = hostile.early ? 'x'.repeat(250_000) : {};
  const retry = { initialMs: 1, attemptsMax: 1000 };
  const first = { id: 'a', kind, url, timeoutMs, input, ...(kind !== 'message' && { retry }) };
  const refusing = { id: 'b', kind: 'saga', url: refuser, timeoutMs: 30_000 };
  if (!kind) return { onTimeout: 'ask', check: { url }, timeoutMs: 1 };
  return { steps: phaseOf(kind, op) === 'rollback' ? [first, refusing] : [first], timeoutMs: 600_000 };
}

interface Seen {
  readonly type: string;
  readonly op?: string;
  readonly error?: string;
  readonly branch?: number;
}

/** What the log says of the answer to that op. */
const saidOf = (events: readonly Seen[], op: Op): readonly Seen[] =>
  events.filter(({ type, op: of }) =>
    op === 'check' ? type === 'check_failed' : of === op && (type === 'attempt_failed' || type === 'branch_pending'),
  );

async function tried(
  t: ExecutionContext,
  coordinator: Started,
  hostile: HostileAnswer,
  site: Site,
  op: Op,
  refuser: string,
) {
  const { title, means, error, output, slow } = hostile;
  const what = `${title}, to ${op}`;
  const xid = xidOf(op, `x${hostileAnswers.indexOf(hostile)}`);
  const body = { xid, name: 'hostile', ...requestFor(op, site.url, refuser, hostile) };
  const { body: ended } = await coordinator.ask('POST', '/v1/transactions', body, { prefer: 'wait=60' });
  const isRolledBack = op === 'check' || phaseOf(kindWith(op) ?? 'saga', op) === 'rollback';
  t.is(ended.status, isRolledBack ? 'rolled_back' : 'committed', what);
  const { body: log } = await coordinator.ask('GET', `/v1/transactions/${xid}/events`);
  const events = log.items as readonly Seen[];
  t.false(
    events.some(({ type, branch }) => type === 'branch_parked' || (type === 'branch_refused' && branch === 1)),
    what,
  );

  const said = saidOf(events, op);
  const commands = site.arrived.filter((command) => command.xid === xid && command.op === op);
  t.is(new Set(commands.map(({ webhookId }) => webhookId)).size, 1, what);
  // A check knows only three answers: nothing here is one.
  const expected = op === 'check' ? 'unknown' : means;
  if (expected === 'done') {
    t.deepEqual([said.length, commands.length], [0, 1], what);
  } else {
    t.is(
      said[0]?.type,
      op === 'check' ? 'check_failed' : expected === 'pending' ? 'branch_pending' : 'attempt_failed',
      what,
    );
    const reason = said[0]?.error ?? '';
    if (means === 'unknown' && !reason.includes('expected 200 from a check')) t.regex(reason, error ?? /./, what);
    // On a machine that is busy a good answer may be too late for a short deadline.
    if (slow) t.true(commands.length >= 2, what);
    else
      t.deepEqual(
        commands.map(({ attempt }) => attempt),
        ['1', '2'],
        what,
      );
  }
  const isForward = phaseOf(kindWith(op) ?? 'message', op) === 'forward';
  if (isForward) t.deepEqual(ended.result.a, means === 'done' ? output : { good: xid }, what);
}

test('there are more than 40 kinds of answers, each once', (t) => {
  const titles = hostileAnswers.map(({ title }) => title);
  t.true(titles.length > 90, String(titles.length));
  t.is(new Set(titles).size, titles.length);
  t.is(ops.length, 13);
});

/** So many kinds at a time, with all ops each. */
const together = 10;
const atOnce = Array.from({ length: Math.ceil(hostileAnswers.length / together) }, (_, nth) =>
  hostileAnswers.slice(nth * together, (nth + 1) * together),
);

test.serial(
  'K1 K2 K3 K4 K5 K6 K7 K8 every answer to every op of every kind of branch means what the protocol says',
  async (t) => {
    t.timeout(110_000);
    const coordinator = await startCoordinator(t, 'sqlite::memory:', { callMs: '30000' });
    // A check has no deadline of its own.
    const impatient = await startCoordinator(t, 'sqlite::memory:', { callMs: '1500' });
    const refuser = await startRefuser(t);
    const before = process.memoryUsage().rss;
    let most = 0;
    for (const answers of atOnce) {
      await Promise.all(
        answers.map(async (hostile) => {
          const site = await startSite(t, hostile);
          const by = hostile.slow ? impatient : coordinator;
          await Promise.all(ops.map((op) => tried(t, by, hostile, site, op, refuser)));
        }),
      );
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    t.log(
      `${hostileAnswers.length * ops.length} transactions; memory grew by at most ${Math.round(most / 1024 ** 2)} MB`,
    );
    // Everything is in this process: the participants with their bombs, and the database.
    t.true(most < 600 * 1024 ** 2, `memory grew by ${most} bytes`);
    t.false('polluted' in {});
    const good = { name: 'good', steps: [{ id: 'a', kind: 'saga', url: `${refuser}/good` }] };
    const { body } = await coordinator.ask('POST', '/v1/transactions', good, { prefer: 'wait=10' });
    t.is(body.status, 'rolled_back');
    t.is((await coordinator.ask('GET', '/readyz')).status, 200);
  },
);

/** A protection, and an answer that does harm without it. */
const guarded: Readonly<Partial<Record<PlantedBug, string>>> = {
  'bad-json-is-done': 'K1 garbage as JSON',
  'accept-proto-keys': 'K7 a __proto__ key in escapes',
  'timeout-is-a-no': 'K3 silence',
  'read-any-size': 'K2 one byte too many',
};

for (const [bug, title] of Object.entries(guarded)) {
  test.serial(`planted ${bug}: the check above sees it`, async (t) => {
    plant(t, bug as PlantedBug);
    const hostile = hostileAnswers.find((answer) => answer.title === title);
    if (!hostile) throw new Error(`expected an answer ${title}, got none`);
    const coordinator = await startCoordinator(t, 'sqlite::memory:');
    const [refuser, site] = [await startRefuser(t), await startSite(t, hostile)];
    const seen = await t.try((attempt) => tried(attempt, coordinator, hostile, site, 'action', refuser));
    seen.discard();
    t.false(seen.passed);
  });
}
