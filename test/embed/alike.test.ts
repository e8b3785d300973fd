/** The same conversation with a coordinator over HTTP and with one in this process, word for word. */
import test, { type ExecutionContext } from 'ava';
import { type BranchBody, type Client, ConcordatError, connect, type Json, Refused } from '../../sdk/index.js';
import { echo, embedded, planOf } from './embedding.js';

type Say = (client: Client) => Promise<unknown>;

const branch = (id: string, input: Json = id): BranchBody => ({ id, participant: 'stock', handler: 'run', input });
const wait = { waitSeconds: 10 };

/** One after the other; what an earlier one did is there for the later ones. */
const conversation: Readonly<Record<string, Say>> = {
  'I12 a plan': (client) => client.submit({ ...planOf('stock'), xid: 'x1' }, wait),
  'I12 the same plan again': (client) => client.submit({ ...planOf('stock'), xid: 'x1' }, wait),
  'E2 another plan with its xid': (client) => client.submit({ ...planOf('stock', 'stock2'), xid: 'x1' }, wait),
  'a look at it': (client) => client.get('x1'),
  'its log': (client) => client.events('x1'),
  'a commit of it': (client) => client.commit('x1'),
  'a plan that is refused': (client) =>
    client.submit({ name: 'no', xid: 'x2', steps: [{ ...branch('one'), input: 'refuse' }] }, wait),
  'a plan whose output cannot be read': (client) =>
    client.submit(
      { name: 'no', xid: 'x3', steps: [{ ...branch('one'), input: 'bigint', retry: { attemptsMax: 1 } }] },
      wait,
    ),
  'an open transaction': (client) => client.open({ name: 'mine', xid: 'x4', metadata: { a: [1, { b: null }] } }),
  'a branch of it': (client) => client.addBranch('x4', branch('a', { n: 1.5 })),
  'I12 the same branch again': (client) => client.addBranch('x4', branch('a', { n: 1.5 })),
  'another branch with its id': (client) => client.addBranch('x4', branch('a', 'other')),
  'a mark': (client) => client.rollbackOnly('x4', 'not today'),
  'its end': (client) => client.commit('x4', wait),
  'D11 a branch after its end': (client) => client.addBranch('x4', branch('b')),
  'E6 a commit after its end': (client) => client.commit('x4'),
  'a rollback after its end': (client) => client.rollback('x4', { reason: 'again', ...wait }),
  'a retry of what is finished': (client) => client.retry('x4'),
  'a resolution of nothing': (client) => client.resolve('x4', [{ branch: 1, as: 'done', reason: 'because' }]),
  'what is not there': (client) => client.get('none'),
  'an xid that cannot be one': (client) => client.get('../x1?a=b'),
  'a late outcome that nobody asked for': (client) =>
    client.report(JSON.stringify({ xid: 'x4', branch: 1, op: 'action', token: 'made-up' }), { outcome: 'done' }),
  'a body with every flaw': (client) =>
    client.submit({
      name: '',
      xid: '!',
      steps: [{ id: '_', kind: 'no' as never, participant: 'stock' }, { id: 'b', url: 'ftp://x', more: 1 } as never],
    }),
  'no steps at all': (client) => client.submit({ name: 'none', steps: [] }),
  'a wait that is too long': (client) => client.submit(planOf('stock'), { waitSeconds: 61 }),
  'a list': (client) => client.list({ status: ['committed', 'rolled_back'], limit: 2 }),
  'a list with flaws': (client) => client.list({ status: 'no' as never, limit: 0 }),
  'a __proto__ key': (client) => client.open(JSON.parse('{"name": "n", "metadata": {"__proto__": 1}}')),
  'too many bytes': (client) => client.open({ name: 'n', metadata: { a: 'x'.repeat(1024 * 1024) } }),
  'too much of a field': (client) => client.open({ name: 'n', metadata: { a: 'x'.repeat(17 * 1024) } }),
  'values that only JavaScript has': (client) =>
    client.open({ name: 'n', xid: 'x5', metadata: { at: new Date(0), none: undefined, nan: Number.NaN } }),
};

const participants = () =>
  ['stock', 'stock2'].map(
    (name) =>
      echo(name, (input) => {
        if (input === 'refuse') throw new Refused('sold out', { code: 'sold_out' });
        return input === 'bigint' ? 1n : input;
      }).participant,
  );

async function answerOf(say: Say, client: Client): Promise<unknown> {
  try {
    return { value: await say(client) };
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    const { name, code, message, details } = error;
    return { error: { name, code, message, details } };
  }
}

/** Without what differs between any two runs. */
const plain = (answer: unknown): unknown =>
  JSON.parse(
    JSON.stringify(answer, (key, value) => {
      if (['origin', 'durationMs', 'append', 'nextCursor', 'draw', 'by', 'traceId', 'fingerprint'].includes(key))
        return key;
      return typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) && !value.startsWith('1970')
        ? 'time'
        : value;
    }),
  );

async function talk(client: Client): Promise<Readonly<Record<string, unknown>>> {
  const said: Record<string, unknown> = {};
  for (const [what, say] of Object.entries(conversation)) said[what] = plain(await answerOf(say, client));
  return said;
}

async function overHttp(t: ExecutionContext): Promise<Client> {
  const { url } = await embedded(t, { participants: participants(), listen: '127.0.0.1:0' });
  const client = connect({ url: url ?? '' });
  t.teardown(() => client.close());
  return client;
}

test('answers and errors are those that come over HTTP', async (t) => {
  const there = await talk(await overHttp(t));
  const here = await talk(await embedded(t, { participants: participants() }));
  for (const what of Object.keys(conversation)) t.deepEqual(here[what], there[what], what);
  t.like(here['I12 a plan'], { value: { status: 'committed' } });
  t.like(here['E2 another plan with its xid'], { error: { code: 'xid_conflict' } });
  t.like(here['a __proto__ key'], { error: { code: 'invalid_json' } });
});
