import test from 'ava';
import { tokenFor } from '../../coordinator/dispatch/token.js';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { type Judge, judging } from './described.js';
import { registration } from './registering.js';
import { type Serving, startServing } from './serving.js';

const env = { CONCORDAT_API_KEYS: 'one:admin:key-1,two:admin:key-2' };
const first = { authorization: 'Bearer key-1' };
const second = { authorization: 'Bearer key-2' };

interface Asked {
  /** Of the path. */
  readonly at?: Readonly<Record<string, string | number>>;
  readonly query?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks by the names of the operations, and holds every answer against the document. */
class Walk {
  readonly seen = new Set<string>();
  readonly findings: string[] = [];
  readonly #serving: Serving;
  readonly #judge: Judge;

  constructor(serving: Serving, judge: Judge) {
    this.#serving = serving;
    this.#judge = judge;
  }

  /** Resolves with what the answer says; nothing, when it is a stream. */
  async ask(id: string, { at = {}, query = '', body, headers = first }: Asked = {}): Promise<string> {
    const operation = this.#judge.operations.get(id);
    if (!operation) throw new Error(`expected an operation of the document, got ${id}`);
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(at[name] ?? 'x1'));
    const response = await fetch(`${this.#serving.url}${path}?${query}`, {
      method: operation.method,
      headers: { ...first, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    const text = isStream ? '' : await response.text();
    if (isStream) await response.body?.cancel();
    const answer = { status: response.status, headers: response.headers, text };
    this.seen.add(`${id} ${response.status}${isStream ? ' stream' : ''}`);
    this.findings.push(...this.#judge.findings(id, answer).map((finding) => `${id}: ${finding}`));
    return text;
  }
}

const never = new Promise<Reply>(() => undefined);

/** By the id of the branch: what its participant says. */
const moods: Readonly<Record<string, (command: Command) => Reply | Promise<Reply>>> = {
  slow: () => never,
  odd: ({ body }) =>
    body.op === 'confirm'
      ? { kind: 'refused', reason: 'gone', code: 'gone' }
      : { kind: 'done', output: [1, 'two', null] },
  no: () => ({ kind: 'refused', reason: 'sold out', code: 'sold_out' }),
  fails: () => ({ kind: 'unknown', error: 'answered 500' }),
};

const branch = (id: string, more: object = {}) => ({ id, kind: 'saga', url: `http://127.0.0.1:9/${id}`, ...more });
const wait = (seconds: number) => ({ ...first, prefer: `wait=${seconds}` });

test('every answer that is described is given, and given as it is described', async (t) => {
  const serving = await startServing(t, {
    env,
    metrics: true,
    flags: { twoPersons: 'true' },
    answer: (command) => moods[command.body.id]?.(command) ?? { kind: 'done', output: { ok: true } },
  });
  const judge = judging(await (await fetch(`${serving.url}/openapi.json`)).json());
  const walk = new Walk(serving, judge);
  await plans(walk);
  await driven(walk, serving);
  await people(walk);
  await participants(walk);
  await looks(walk);
  t.deepEqual(walk.findings, []);
  const declared = [...judge.operations.values()].flatMap(({ id, responses }) =>
    Object.keys(responses)
      .filter((status) => status.startsWith('2'))
      .map((status) => `${id} ${status}`),
  );
  t.deepEqual(
    declared.filter((each) => !walk.seen.has(each) && !walk.seen.has(`${each} stream`)),
    [],
  );
});

async function plans(walk: Walk): Promise<void> {
  const body = {
    name: 'checkout',
    xid: 'p1',
    metadata: { shop: 7 },
    steps: [branch('a'), branch('b', { input: { $from: 'a.ok' } })],
  };
  await walk.ask('openTransaction', { body, headers: wait(10) });
  await walk.ask('openTransaction', { body });
  await walk.ask('openTransaction', { body: { ...body, name: 'other' } });
  await walk.ask('openTransaction', { body: { name: 'slow', xid: 'p2', steps: [branch('slow')] }, headers: wait(1) });
  await walk.ask('openTransaction', {
    body: { name: 'no', xid: 'p3', steps: [branch('a'), branch('no')] },
    headers: wait(10),
  });
  await walk.ask('openTransaction', { body: { name: 'x', steps: [branch('a', { after: ['a'] })], colour: 'red' } });
  await walk.ask('openTransaction', { body: 7 });
  await walk.ask('commit', { at: { xid: 'p1' } });
}

async function driven(walk: Walk, { store }: Serving): Promise<void> {
  const open = (xid: string) => walk.ask('openTransaction', { body: { name: 'order', xid } });
  for (const xid of ['d1', 'd2', 'd3', 'd4']) await open(xid);
  await walk.ask('addBranch', { at: { xid: 'd1' }, body: branch('a') });
  await walk.ask('addBranch', { at: { xid: 'd1' }, body: branch('a') });
  await walk.ask('addBranch', { at: { xid: 'd1' }, body: branch('a', { input: 1 }) });
  await walk.ask('addBranch', { at: { xid: 'd1' }, body: branch('no') });
  await walk.ask('markRollbackOnly', { at: { xid: 'd1' }, body: { reason: 'changed my mind' } });
  await walk.ask('commit', { at: { xid: 'd1' }, headers: wait(10) });
  await walk.ask('rollback', { at: { xid: 'd1' } });
  for (const xid of ['d2', 'd3', 'd4'])
    await walk.ask('addBranch', { at: { xid }, body: branch('slow'), headers: wait(0) });
  await walk.ask('rollback', { at: { xid: 'd2' }, headers: wait(1) });
  await walk.ask('commit', { at: { xid: 'd3' }, headers: wait(1) });
  const outcome = { op: 'action', outcome: 'done', output: { late: true } };
  const token = tokenFor(store.identity.tokenKey, 'd4', 1, 'action');
  await walk.ask('takeOutcome', { at: { xid: 'd4', n: 1 }, body: outcome, headers: { 'concordat-token': token } });
  await walk.ask('takeOutcome', {
    at: { xid: 'd4', n: 1 },
    body: { ...outcome, outcome: 'refused', output: undefined },
    headers: { 'concordat-token': token },
  });
  await walk.ask('takeOutcome', { at: { xid: 'd4', n: 1 }, body: outcome });
  await walk.ask('commit', { at: { xid: 'd4' } });
  await walk.ask('rollback', { at: { xid: 'd4' } });
}

async function people(walk: Walk): Promise<void> {
  const body = { name: 'stuck', xid: 's1', steps: [branch('odd', { kind: 'tcc' })] };
  await walk.ask('openTransaction', { body, headers: wait(10) });
  const resolve = (headers: Readonly<Record<string, string>>, number = 1) =>
    walk.ask('resolve', {
      at: { xid: 's1' },
      body: { branches: [{ branch: number, as: 'done', reason: 'confirmed by phone' }] },
      headers,
    });
  await resolve(first, 7);
  await resolve(first);
  await resolve(second);
  await resolve(second);
  await walk.ask('openTransaction', { body: { ...body, xid: 's2' }, headers: wait(10) });
  await walk.ask('retry', { at: { xid: 's2' } });
  await walk.ask('retry', { at: { xid: 's1' } });
}

async function participants(walk: Walk): Promise<void> {
  const at = { name: 'stock', id: 'one' };
  const body = registration('http://127.0.0.1:9', { resourceGroup: 'goods', checks: ['order'], batch: true });
  await walk.ask('registerInstance', { at, body });
  await walk.ask('registerInstance', { at, body: { ...body, handlers: [{ name: 'reserve', kind: 'tcc' }] } });
  await walk.ask('registerInstance', { at: { ...at, name: '_' }, body: { ...body, url: 'http://192.0.2.1' } });
  await walk.ask('changeParticipant', { at, body: { limits: { concurrency: 3, perSecond: 20 }, paused: true } });
  await walk.ask('listParticipants');
  await walk.ask('endInstance', { at });
}

async function looks(walk: Walk): Promise<void> {
  for (const xid of ['p1', 'p2', 'p3', 'd1', 'd2', 'd3', 'd4', 's1', 's2', 'none']) {
    await walk.ask('getTransaction', { at: { xid }, headers: wait(0) });
    await walk.ask('getEvents', { at: { xid } });
  }
  await walk.ask('getEvents', { at: { xid: 'p2' }, headers: { accept: 'text/event-stream' } });
  const { seq, index } = JSON.parse(await walk.ask('getEvents', { at: { xid: 'p1' } })).items.at(-1);
  const headers = { accept: 'text/event-stream', 'last-event-id': `${seq}.${index}` };
  await walk.ask('getEvents', { at: { xid: 'p1' }, headers });
  await walk.ask('listTransactions');
  await walk.ask('listTransactions', {
    query: 'limit=2&status=committed&status=parked&openedAfter=2020-01-01T00:00:00Z',
  });
  await walk.ask('listTransactions', { query: 'limit=0&colour=red' });
  await walk.ask('listTransactions', { headers: { authorization: 'Bearer nobody' } });
  await walk.ask('streamChanges');
  await walk.ask('listAudit');
  for (const id of ['showStats', 'showMetrics', 'alive', 'ready', 'describeApi']) await walk.ask(id, { headers: {} });
}
