/** Calls outside of a transaction: each is one of its own. */
import test from 'ava';
import { ConcordatError, NoCoordinator, Refused, RolledBack, Uncertain } from '../../sdk/index.js';
import { startBank } from './bank.js';

const charge = { account: 'ann', amount: 10 };

test('a call is committed with its answer', async (t) => {
  const { bank, client, balance } = await startBank(t);
  t.deepEqual(await bank.charge(charge), { id: 1 });
  t.deepEqual(await bank.hold(charge), { id: 2 });
  t.is(await balance('ann'), 80);
  const { items } = await client.list();
  t.deepEqual(
    items.map(({ name, status }) => `${name} ${status}`),
    ['bank.hold committed', 'bank.charge committed'],
  );
});

test('a refusal is a Refused with its code and xid', async (t) => {
  const { bank, settled } = await startBank(t);
  const error = await t.throwsAsync<Refused & { xid?: string }>(bank.charge({ account: 'ann', amount: 101 }), {
    instanceOf: Refused,
  });
  t.like(error, { message: 'ann has not enough', code: 'insufficient_funds' });
  t.is(await settled(error?.xid ?? ''), 'rolled_back');
});

test('I12 the same xid and input is the same call, another input a conflict', async (t) => {
  const { client, balance } = await startBank(t);
  const target = { participant: 'bank', handler: 'charge' };
  const options = { xid: 'order-7', id: 'charge' };
  t.deepEqual(await client.call(target, charge, options), { id: 1 });
  t.deepEqual(await client.call(target, charge, options), { id: 1 });
  const other = client.call(target, { account: 'ann', amount: 11 }, options);
  t.like(await t.throwsAsync(other, { instanceOf: ConcordatError }), { code: 'xid_conflict' });
  t.is(await balance('ann'), 90);
});

test('I12 a call is repeatable by its xid alone', async (t) => {
  const { client, balance } = await startBank(t);
  const again = () => client.call({ participant: 'bank', handler: 'charge' }, charge, { xid: 'order-8' });
  t.deepEqual(await Promise.all([again(), again()]), [{ id: 1 }, { id: 1 }]);
  t.deepEqual(await again(), { id: 1 });
  t.is(await balance('ann'), 90);
});

test('an input that cannot be sent is refused with the name of the handler, and nothing is called', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const circle: Record<string, unknown> = {};
  circle.again = circle;
  const inputs: readonly [unknown, RegExp][] = [
    ['x'.repeat(300_000), /^the input of bank\.charge: expected at most 262144 bytes of JSON, got more$/],
    [{ amount: 1n }, /^the input of bank\.charge: .*BigInt/],
    [JSON.parse('{"__proto__":{"amount":1}}'), /^the input of bank\.charge: expected keys other than __proto__$/],
    [circle, /^the input of bank\.charge: .*circular/],
  ];
  for (const [input, message] of inputs) {
    const refused = { instanceOf: ConcordatError, message };
    const alone = await t.throwsAsync(bank.charge(input as never), refused);
    t.like(alone, { code: 'invalid_request', details: [{ pointer: '/input' }] });
    await client.run('checkout', () => t.throwsAsync(bank.charge(input as never), refused));
  }
  t.is(await balance('ann'), 100);
});

test('a call of nobody, or with an option that a call does not have, is told at once', async (t) => {
  const { client } = await startBank(t);
  const bank = { participant: 'bank', handler: 'charge' };
  t.throws(() => client.call('bank' as never), { message: /^call: expected \{ participant, handler \} .*got "bank"$/ });
  t.throws(() => client.call(bank, charge, { timeout: 1 } as never), { message: /^call: .*got "timeout"$/ });
  t.throws(() => client.remote('bank', { id: 'a' } as never), { message: /^remote: .*got "id"$/ });
});

test('what looks like a reference is data', async (t) => {
  const { client, service } = await startBank(t);
  let seen: unknown;
  service.onSlowly = async () => undefined;
  const given = { account: { $from: 'somewhere.else' }, amount: { $value: 1 } };
  const original = service.slowly.bind(service);
  service.slowly = async (input, tx) => {
    seen = input;
    return original(input, tx);
  };
  await client.call({ participant: 'bank', handler: 'slowly' }, given);
  t.deepEqual(seen, given);
});

test('a call whose deadline passes is RolledBack', async (t) => {
  const { client, service } = await startBank(t);
  service.onSlowly = () => new Promise(() => undefined);
  const target = { participant: 'bank', handler: 'later' };
  const error = await t.throwsAsync(client.call(target, charge, { deadlineMs: 100, timeoutMs: 200 }), {
    instanceOf: RolledBack,
    message: /the deadline passed/,
  });
  t.truthy(error?.xid);
});

test('a call without an outcome is RolledBack too: it was undone', async (t) => {
  const { client } = await startBank(t);
  const target = { participant: 'bank', handler: 'broken' };
  await t.throwsAsync(client.call(target, charge, { retry: { attemptsMax: 1 } }), {
    instanceOf: RolledBack,
    message: /ended without an outcome/,
  });
});

test('a call that is parked is Uncertain, and says what to do', async (t) => {
  const { client, service } = await startBank(t);
  service.take = async () => {
    throw new Refused('the vault is locked');
  };
  const error = await t.throwsAsync(client.remote<typeof service>('bank').hold(charge), { instanceOf: Uncertain });
  t.regex(
    error?.message ?? '',
    /is parked and waits for a person: commit is decided, but the vault is locked; .*tx show/,
  );
});

test('a participant or a handler that nobody knows is told by the coordinator', async (t) => {
  const { client } = await startBank(t);
  for (const target of [
    { participant: 'tank', handler: 'charge' },
    { participant: 'bank', handler: 'chrage' },
  ]) {
    const error = await t.throwsAsync(client.call(target, charge), { instanceOf: ConcordatError });
    t.like(error, { code: 'invalid_request' });
  }
});

test('a remote is no promise, has no hooks, and cannot be written to', async (t) => {
  const { client } = await startBank(t);
  const remote = client.remote<Record<string, unknown>>('bank') as Record<string, unknown>;
  t.is(await (remote as unknown as Promise<unknown>), remote);
  for (const name of ['then', 'toJSON', 'onModuleInit', 'onApplicationShutdown', '$charge', ''])
    t.is(remote[name], undefined);
  t.is(typeof remote.charge, 'function');
  t.is(remote.charge, remote.charge);
  t.is(`${remote}`, '[object Object]');
  t.throws(() => Object.assign(remote, { charge: 1 }), { message: /^remote 'bank': expected calls of its methods/ });
  t.throws(() => client.remote('9'), { message: /^remote: expected the name of a participant, got "9"/ });
});

test('nobody under the address is NoCoordinator', async (t) => {
  const { connect } = await import('../../sdk/index.js');
  const client = connect({ url: 'http://127.0.0.1:1', patienceMs: 50 });
  t.teardown(() => client.close());
  await t.throwsAsync(client.call({ participant: 'bank', handler: 'charge' }), { instanceOf: NoCoordinator });
});

test('a late outcome ends the call that waits for it', async (t) => {
  const { client, service, bank } = await startBank(t);
  const tickets: string[] = [];
  let came = (): void => undefined;
  const first = new Promise<void>((resolve) => {
    came = resolve;
  });
  service.onSlowly = async (tx) => {
    tickets.push(tx.ticket);
    came();
  };
  const calls = [bank.later(charge), bank.later(charge)] as const;
  await first;
  while (tickets.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const views = await Promise.all([
    client.report(tickets[0] ?? '', { outcome: 'done', output: { id: 77 } }),
    client.report(tickets[1] ?? '', { outcome: 'refused', reason: 'the provider says no' }),
  ]);
  t.deepEqual(views.map(({ status }) => status).sort(), ['committed', 'refused']);
  const ends = await Promise.allSettled(calls);
  t.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  t.deepEqual(
    ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : [end.reason.message])).sort(),
    ['the provider says no', { id: 77 }].sort(),
  );
  await t.throwsAsync(client.report('{}', { outcome: 'done' }), { message: /^ticket: expected the tx\.ticket/ });
});
