/** What a client makes of answers that say nothing of what it asked. */
import test from 'ava';
import { clientOver } from '../../sdk/client/client.js';
import type { Ambient } from '../../sdk/client/environment.js';
import type { Request } from '../../sdk/client/exchange.js';
import { ConcordatError, NoCoordinator, Refused, Uncertain } from '../../sdk/index.js';
import { manualClock } from '../helpers/clock.js';

type Answers = Partial<Record<'open' | 'branches' | 'commit' | 'rollback' | 'get', unknown>>;

const open = { openedAt: '2030-01-01T00:00:00.000Z', deadlineAt: '2030-01-01T00:00:01.000Z', status: 'active' };
const undecided = { xid: 'x', name: 'checkout', decision: null, result: {}, branches: [], waitingOn: [], ...open };

/** Of a coordinator that answers so; time passes as fast as it is waited for. */
function clientOf(answers: Answers) {
  const asked: string[] = [];
  const clock = manualClock();
  const ambient: Ambient = {
    monotonic: () => clock.monotonic(),
    after(ms, callback) {
      setImmediate(() => {
        clock.advance(ms);
        callback();
      });
      return () => undefined;
    },
    uuid: () => '0190a1b2-c3d4-7000-8000-000000000000',
  };
  const send = async <T>({ method, path }: Request): Promise<T> => {
    const last = path.split('/').at(-1) ?? '';
    const name = method === 'GET' ? 'get' : last === 'transactions' ? 'open' : (last as keyof Answers);
    asked.push(name);
    const answer = answers[name] ?? {};
    if (answer instanceof Error) throw answer;
    return answer as T;
  };
  return { client: clientOver({ send, close: async () => undefined }, ambient), asked };
}

const pay = { participant: 'pay', handler: 'charge' };

test('C8 a rollback that nobody decides is not waited for without end: the error of the method is told', async (t) => {
  const { client, asked } = clientOf({ rollback: undecided });
  const bug = new Error('bug');
  const told = await t.throwsAsync<Error & { rollbackError?: Error }>(
    client.run('checkout', async () => {
      throw bug;
    }),
  );
  t.is(told, bug);
  t.true(told?.rollbackError instanceof Uncertain);
  t.true(asked.length > 10);
});

test('C8 a commit and a call that nobody decides are not waited for without end', async (t) => {
  const { client } = clientOf({ commit: undecided });
  await t.throwsAsync(
    client.run('checkout', async () => 1),
    { instanceOf: Uncertain },
  );
  const waiting = clientOf({ branches: { kind: 'saga', status: 'running' }, get: undecided, rollback: undecided });
  await t.throwsAsync(
    waiting.client.run('checkout', async () => waiting.client.call(pay, 1)),
    { instanceOf: Uncertain, message: /pay\.charge/ },
  );
  t.true(waiting.asked.includes('rollback-only'));
});

test('a commit that is decided is no yes for a branch that was refused', async (t) => {
  const branch = { kind: 'saga', status: 'running', output: null, lastError: null, code: null };
  const decided = { ...undecided, decision: 'commit', status: 'committed' };
  const refused = (id: string) => ({ ...branch, id, status: 'refused', lastError: 'no money' });
  const { client } = clientOf({ branches: branch, commit: decided, get: { ...decided, branches: [refused('b')] } });
  await t.throwsAsync(
    client.run('checkout', async () => client.call(pay, 1, { id: 'b' })),
    { instanceOf: Refused, message: 'no money' },
  );
});

for (const [what, error] of [
  ['401 after silence', new ConcordatError('unauthorized', 'no', [], { wasSent: true })],
  ['nobody after silence', new NoCoordinator('gone', { wasSent: true })],
  ['408', new ConcordatError('request_timeout', 'late')],
  ['garbage', new TypeError('cannot read')],
] as const) {
  test(`I5 ${what}: a call and a commit are Uncertain, and the transaction does not commit`, async (t) => {
    const lone = clientOf({ open: error });
    const told = await t.throwsAsync(lone.client.call(pay, 1), { instanceOf: Uncertain });
    t.is(told?.xid, '0190a1b2-c3d4-7000-8000-000000000000');
    const caught = clientOf({ branches: error, rollback: { ...undecided, decision: 'rollback' } });
    await t.throwsAsync(
      caught.client.run('checkout', async () => {
        await t.throwsAsync(caught.client.call(pay, 1), { instanceOf: Uncertain });
      }),
      { name: 'RolledBack' },
    );
    t.false(caught.asked.includes('commit'));
    await t.throwsAsync(
      clientOf({ commit: error }).client.run('checkout', async () => 1),
      { instanceOf: Uncertain },
    );
  });
}

test('a decision that is durable is told, though nobody answers whether it is carried out', async (t) => {
  const committing = { ...undecided, decision: 'commit', status: 'committing' };
  const { client } = clientOf({ commit: committing, get: new NoCoordinator('gone') });
  await t.throwsAsync(
    client.run({ name: 'checkout', wait: 'final' }, async () => 1),
    { instanceOf: Uncertain, message: /^commit of transaction x is decided and will be carried out/ },
  );
});
