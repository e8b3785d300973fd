/** Hosts at a real coordinator, on SQLite files. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import knex, { type Knex } from 'knex';
import { loadConfig } from '../../coordinator/config.js';
import { type Running, run } from '../../coordinator/main.js';
import { connect } from '../../sdk/client/client.js';
import { setRollbackOnly } from '../../sdk/client/context.js';
import { systemClock } from '../../sdk/participant/clock.js';
import { participant, saga, tcc } from '../../sdk/participant/define.js';
import { Pending } from '../../sdk/protocol/answers.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { secretOf, startHost } from './hosting.js';

const signingSecret = `${secretOf(1).secret} ${secretOf(2).secret}`;

async function start(t: ExecutionContext) {
  const directory = await mkdtemp(path.join(tmpdir(), 'concordat-test-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const flags = {
    listen: '127.0.0.1:0',
    store: `sqlite:${path.join(directory, 'coordinator.db')}`,
    logLevel: 'silent',
  };
  const env = { CONCORDAT_SIGNING_SECRET: signingSecret };
  const coordinator = await run(loadConfig({ flags, env, directory }));
  t.teardown(() => coordinator.stop());
  const client = connect({ url: coordinator.url });
  t.teardown(() => client.close());
  const db = knex({
    client: 'sqlite3',
    connection: { filename: path.join(directory, 'payment.db') },
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  });
  t.teardown(() => db.destroy());
  await db.schema.createTable('effects', (table) => void table.string('effect'));
  return { client, db };
}

const effectsIn = async (db: Knex): Promise<string[]> =>
  (await db('effects').select('effect')).map(({ effect }) => effect);

/** A handler whose effects are in its database. */
const charging = (failing = false) =>
  saga({
    action: async (input: { readonly cents: number }, tx) => {
      await tx.db('effects').insert({ effect: `charged ${input.cents}` });
      if (failing) void setRollbackOnly('too dear');
      return { receipt: 'r1' };
    },
    compensate: async (_, tx) => void (await tx.db('effects').insert({ effect: `gave back ${tx.output.receipt}` })),
  });

test('L6 commands go to a host that is found by its name, signed with secrets that rotate', async (t) => {
  const { client, db } = await start(t);
  const host = await startHost(t, {
    participants: [participant({ name: 'payment', db, handlers: { charge: charging() } })],
    coordinator: client,
    signingSecret: secretOf(2).secret,
  });
  await host.registered;
  const { xid } = await client.submit({
    name: 'checkout',
    steps: [{ id: 'pay', participant: 'payment', handler: 'charge', input: { cents: 7 } }],
  });
  t.like(await client.wait(xid), { status: 'committed', result: { pay: { receipt: 'r1' } } });
  t.deepEqual(await effectsIn(db), ['charged 7']);
});

/** Two phases of one transaction, and what the host's secrets make of those that the coordinator has by then. */
async function startRotating(t: ExecutionContext, hostSecret: string) {
  const directory = await mkdtemp(path.join(tmpdir(), 'concordat-test-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'secrets');
  const store = `sqlite:${path.join(directory, 'coordinator.db')}`;
  const flags = { listen: '127.0.0.1:0', store, logLevel: 'silent', signingSecretFile: file };
  const read = () => loadConfig({ flags, env: {}, directory });
  const use = async (...secrets: readonly string[]): Promise<void> => {
    await writeFile(file, secrets.join(' '));
    coordinator?.reload();
  };
  let coordinator: Running | undefined;
  await use(secretOf(1).secret);
  coordinator = await run(read(), read);
  t.teardown(() => coordinator?.stop());
  const client = connect({ url: coordinator.url });
  t.teardown(() => client.close());
  const heard: string[] = [];
  const note = (what: string) => async () => void heard.push(what);
  const charge = tcc({ try: note('try'), confirm: note('confirm'), cancel: note('cancel'), fence: 'none' });
  const participants = [participant({ name: 'payment', handlers: { charge } })];
  const host = await startHost(t, { participants, coordinator: client, signingSecret: hostSecret });
  await host.registered;
  const { xid } = await client.open({ name: 'checkout' });
  const add = (id: string) => client.addBranch(xid, { id, participant: 'payment', handler: 'charge', input: {} });
  return { client, xid, use, add, heard };
}

test('L6 secrets rotate in the middle of a transaction, and nothing of it fails', async (t) => {
  const { client, xid, use, add, heard } = await startRotating(t, signingSecret);
  await add('a');
  await use(secretOf(1).secret, secretOf(2).secret);
  await add('b');
  await use(secretOf(2).secret);
  await add('c');
  await client.commit(xid);
  const view = await client.wait(xid);
  t.is(view.status, 'committed');
  t.deepEqual(
    view.branches.map(({ attempts }) => attempts),
    [1, 1, 1],
  );
  t.deepEqual(heard, ['try', 'try', 'try', 'confirm', 'confirm', 'confirm']);
});

test('L6 a host that was not given the new secret in time is asked again until it is, and says no to nothing', async (t) => {
  const { client, xid, use, add } = await startRotating(t, secretOf(1).secret);
  await add('a');
  await use(secretOf(2).secret);
  await client.commit(xid);
  let view = await client.get(xid);
  while (!view.waitingOn[0]?.lastError) view = await client.get(xid);
  t.regex(view.waitingOn[0].lastError, /answered 401/);
  t.is(view.status, 'committing');
  await use(secretOf(1).secret, secretOf(2).secret);
  t.is((await client.wait(xid)).status, 'committed');
});

test('F8 a host whose clock is a minute ahead of the coordinator carries out what it is sent', async (t) => {
  const { client, db } = await start(t);
  const host = await startHost(t, {
    participants: [participant({ name: 'payment', db, handlers: { charge: charging() } })],
    coordinator: client,
    signingSecret: secretOf(2).secret,
    clock: { ...systemClock, now: () => Date.now() + 60_000 },
  });
  await host.registered;
  const steps = [{ id: 'pay', participant: 'payment', handler: 'charge', input: { cents: 7 } }];
  const told = await client.submit({ name: 'checkout', steps }, { waitSeconds: 20 });
  t.deepEqual([told.status, told.branches[0]?.attempts], ['committed', 1]);
  t.deepEqual(await effectsIn(db), ['charged 7']);
});

test('a mark that a handler sets rolls back what it did', async (t) => {
  const { client, db } = await start(t);
  const { url } = await startHost(t, {
    participants: [participant({ name: 'payment', db, handlers: { charge: charging(true) } })],
    coordinator: client,
    signingSecret,
  });
  const { xid } = await client.open({ name: 'checkout' });
  await client.addBranch(xid, { id: 'pay', kind: 'saga', url: `${url}/charge`, input: { cents: 7 } });
  await client.commit(xid);
  t.like(await client.wait(xid), { status: 'rolled_back', reason: 'too dear' });
  t.deepEqual(await effectsIn(db), ['charged 7', 'gave back r1']);
});

test('a handler that asks for time brings its outcome by itself', async (t) => {
  const { client, db } = await start(t);
  let hand = (_: string): void => undefined;
  const ticket = new Promise<string>((resolve) => {
    hand = resolve;
  });
  const transfer = saga({
    external: true,
    action: async (_: unknown, tx): Promise<string> => {
      hand(tx.ticket);
      throw new Pending({ retryAfterMs: 60_000 });
    },
    compensate: async () => undefined,
  });
  const { url } = await startHost(t, {
    participants: [participant({ name: 'payment', db, handlers: { transfer } })],
    coordinator: client,
    signingSecret,
  });
  const steps = [{ id: 'pay', kind: 'saga' as const, url: `${url}/transfer` }];
  const { xid } = await client.submit({ name: 'transfer', steps });
  const kept = await ticket;
  // With the answer to the first attempt the coordinator knows when the second is due.
  for (let view = await client.get(xid); view.waitingOn[0]?.attempt !== 2; ) view = await client.get(xid);
  await client.report(kept, { outcome: 'done', output: { reference: 'bank-1' } });
  t.like(await client.wait(xid), { status: 'committed', result: { pay: { reference: 'bank-1' } } });
});

/** A host whose check looks for the initiator's own row. */
async function startAsked(t: ExecutionContext) {
  const { client, db } = await start(t);
  await db.schema.createTable('orders', (table) => void table.string('xid'));
  const placed = async ({ xid }: { readonly xid: string }) =>
    (await db('orders').where({ xid }).first()) ? ('commit' as const) : ('rollback' as const);
  const { url } = await startHost(t, {
    participants: [participant({ name: 'payment', db, handlers: { charge: charging() }, checks: { placed } })],
    coordinator: client,
    signingSecret,
  });
  await db('orders').insert({ xid: 'kept' });
  const open = (xid: string, timeoutMs: number) =>
    client.open({ xid, name: 'checkout', timeoutMs, onTimeout: 'ask', check: { url: `${url}/placed` } });
  return { client, db, url, open };
}

test('a check handler says how the work of an initiator that is gone ended', async (t) => {
  const { client, open } = await startAsked(t);
  for (const xid of ['kept', 'lost']) await open(xid, 1);
  t.is((await client.wait('kept')).status, 'committed');
  t.is((await client.wait('lost')).status, 'rolled_back');
});

test('a check handler is asked before anything is undone', async (t) => {
  const { client, db, url, open } = await startAsked(t);
  for (const xid of ['kept', 'lost']) {
    await open(xid, 60_000);
    await client.addBranch(xid, { id: 'pay', kind: 'saga', url: `${url}/charge`, input: { cents: 7 } });
  }
  await t.throwsAsync(client.rollback('kept'), { instanceOf: ConcordatError, message: /commit of kept is decided/ });
  await client.rollback('lost');
  t.is((await client.wait('kept')).status, 'committed');
  t.is((await client.wait('lost')).status, 'rolled_back');
  t.deepEqual(await effectsIn(db), ['charged 7', 'charged 7', 'gave back r1']);
});

test('F8 a host whose clock is off is told of as that, and its 401 is no business failure', async (t) => {
  const { client, db } = await start(t);
  const ahead = { ...systemClock, now: () => systemClock.now() + 10 * 60_000 };
  const { registered } = await startHost(t, {
    participants: [participant({ name: 'payment', db, handlers: { charge: charging() } })],
    coordinator: client,
    signingSecret,
    clock: ahead,
  });
  await registered;
  const steps = [{ id: 'pay', participant: 'payment', handler: 'charge', input: { cents: 7 } }];
  let view = await client.submit({ name: 'checkout', steps });
  while (!view.waitingOn[0]?.lastError) view = await client.get(view.xid);
  t.regex(view.waitingOn[0].lastError, /401.*its clock and the coordinator's differ/);
  t.is(view.status, 'active');
  t.deepEqual(await effectsIn(db), []);
});

test('A15 while one host of two goes, no transaction is lost and none has two effects', async (t) => {
  const { client, db } = await start(t);
  const participants = [participant({ name: 'payment', db, handlers: { charge: charging() } })];
  const hosts = await Promise.all(
    [1, 2].map(() => startHost(t, { participants, coordinator: client, signingSecret, ttlMs: 5000 })),
  );
  await Promise.all(hosts.map(({ registered }) => registered));
  const count = 60;
  const checkout = async (cents: number) => {
    const steps = [{ id: 'pay', participant: 'payment', handler: 'charge', input: { cents } }];
    if (cents === count / 2) void hosts[0]!.close();
    return client.wait((await client.submit({ name: 'checkout', steps })).xid);
  };
  const ends = await Promise.all(Array.from({ length: count }, (_, index) => checkout(index)));
  t.true(ends.every(({ status }) => status === 'committed'));
  const effects = await effectsIn(db);
  t.deepEqual([effects.length, new Set(effects).size], [count, count]);
});
