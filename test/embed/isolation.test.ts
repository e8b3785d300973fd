import test from 'ava';
import type { Json } from '../../sdk/index.js';
import { limits } from '../../sdk/protocol/limits.js';
import { plant, signal } from '../dispatch/participants.js';
import { echo, embedded, planOf } from './embedding.js';

type Loose = { [key: string]: unknown };

const planWith = (input: unknown) => ({
  name: 'checkout',
  steps: [{ id: 'stock', participant: 'stock', handler: 'run', input }],
});

test('what a caller does to its request later does not reach the coordinator', async (t) => {
  const stock = echo('stock');
  const client = await embedded(t, { participants: [stock.participant] });
  const plan = planWith({ lines: [{ sku: 'tea' }] });
  const metadata: Loose = { shop: 'one' };
  const answer = client.submit({ ...plan, metadata }, { waitSeconds: 10 });
  (plan.steps[0]!.input as { lines: Loose[] }).lines[0]!.sku = 'coffee';
  metadata.shop = 'two';
  const { xid } = await answer;
  t.deepEqual(stock.calls, ['action {"lines":[{"sku":"tea"}]}']);
  t.like(await client.get(xid), { metadata: { shop: 'one' }, branches: [{ input: { lines: [{ sku: 'tea' }] } }] });
});

/** So long that what is open stays in memory, where it could be spoilt; else it is read from the log each time. */
const kept = { sweepMs: 60_000 };

test('what a handler does to its input or its output later does not reach the coordinator', async (t) => {
  const output: Loose = { lines: ['tea'] };
  const stock = echo('stock', (input) => {
    (input as Loose).sku = 'spoilt';
    return output;
  });
  const client = await embedded(t, { participants: [stock.participant], ...kept });
  const { xid } = await client.open({ name: 'checkout' });
  const branch = { id: 'a', participant: 'stock', handler: 'run', input: { sku: 'tea' } };
  const first = await client.addBranch(xid, branch);
  (output.lines as string[]).push('coffee');
  t.like(first, { input: { sku: 'tea' }, output: { lines: ['tea'] } });
  t.deepEqual(await client.addBranch(xid, branch), first);
  const { branches } = await client.rollbackOnly(xid);
  t.like(branches[0], { input: { sku: 'tea' }, output: { lines: ['tea'] } });
});

test('what a caller does to an answer does not reach the coordinator', async (t) => {
  const stock = echo('stock', () => ({ orderId: 1 }));
  const client = await embedded(t, { participants: [stock.participant], ...kept });
  const { xid } = await client.open({ name: 'checkout', metadata: { shop: 'one' } });
  const branch = await client.addBranch(xid, { id: 'a', participant: 'stock', handler: 'run', input: { n: 1 } });
  const view = await client.rollbackOnly(xid);
  (branch.output as Loose).orderId = 2;
  (branch.input as Loose).n = 2;
  (view.result.a as Loose).orderId = 3;
  (view.metadata as Loose).shop = 'two';
  const after = await client.rollback(xid, { waitSeconds: 10 });
  t.like(after, { metadata: { shop: 'one' }, result: { a: { orderId: 1 } }, branches: [{ input: { n: 1 } }] });
});

test('a value is carried as JSON would carry it', async (t) => {
  const at = new Date(0);
  const stock = echo('stock', () => ({ at, nothing: undefined, list: [undefined] }));
  const client = await embedded(t, { participants: [stock.participant] });
  const { branches, result } = await client.submit(planWith({ at, nothing: undefined }), { waitSeconds: 10 });
  t.deepEqual(branches[0]?.input, { at: at.toISOString() });
  t.deepEqual(result, { stock: { at: at.toISOString(), list: [null] } });
});

test('an output of nothing is null', async (t) => {
  const client = await embedded(t, { participants: [echo('stock', () => undefined).participant] });
  const { branches } = await client.submit(planOf('stock'), { waitSeconds: 10 });
  t.is(branches[0]?.output, null);
});

const strange: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['K7 a __proto__ key', () => JSON.parse('{"__proto__": 1}'), /__proto__/],
  ['K2 more bytes than an outcome may have', () => 'x'.repeat(limits.outcomeBodyBytes), /at most 1048576 bytes/],
  ['K1 a value that has no JSON', () => 1n, /JSON/],
  ['K1 a value that holds itself', circle, /JSON/],
  ['K1 a function', () => () => 1, /JSON/],
  ['K1 a number that is none', () => ({ amount: Number.NaN }), /JSON/],
];

function circle(): unknown {
  const all: Loose = {};
  all.all = all;
  return all;
}

for (const [what, value, message] of strange) {
  test(`${what} as an output is no answer`, async (t) => {
    const client = await embedded(t, { participants: [echo('stock', value).participant], attemptsMax: 1 });
    const { status, xid } = await client.submit(planOf('stock'), { waitSeconds: 10 });
    t.is(status, 'rolled_back');
    t.regex(JSON.stringify(await client.events(xid)), message);
  });
}

test('K7 what no JSON carries is refused as an input', async (t) => {
  const client = await embedded(t, { participants: [echo('stock').participant] });
  for (const input of [JSON.parse('{"__proto__": 1}'), 1n, circle()])
    t.like(await t.throwsAsync(client.submit(planWith(input))), { code: 'invalid_json' });
  t.like(await t.throwsAsync(client.submit(planWith('x'.repeat(limits.bodyBytes)))), { code: 'too_large' });
  t.deepEqual((await client.list()).items, []);
});

test('K3 a handler that does not come back is given up at its deadline, and what it says then is not heard', async (t) => {
  const late = signal<Json>();
  const client = await embedded(t, {
    participants: [echo('stock', () => late.came).participant],
    callMs: 20,
    attemptsMax: 1,
  });
  const { status, xid } = await client.submit(planOf('stock'), { waitSeconds: 10 });
  t.is(status, 'rolled_back');
  t.regex(JSON.stringify(await client.events(xid)), /no answer within \d+ ms/);
  late.give('late');
});

test.serial('without the copies, whoever holds a piece could change what is decided', async (t) => {
  plant(t, 'lend-the-state');
  const stock = echo('stock', (input) => {
    (input as Loose).sku = 'spoilt';
    return { orderId: 1 };
  });
  const client = await embedded(t, { participants: [stock.participant], ...kept });
  const { xid } = await client.open({ name: 'checkout' });
  const branch = { id: 'a', participant: 'stock', handler: 'run', input: { sku: 'tea' } };
  const first = await client.addBranch(xid, branch);
  (first.output as Loose).orderId = 2;
  const { branches } = await client.rollbackOnly(xid);
  t.like(branches[0], { input: { sku: 'spoilt' }, output: { orderId: 2 } });
});
