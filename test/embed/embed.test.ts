import { AsyncLocalStorage } from 'node:async_hooks';
import path from 'node:path';
import test from 'ava';
import { ConfigError, embed, StoreError } from '../../coordinator/index.js';
import { NoCoordinator, Refused } from '../../sdk/index.js';
import { httpParticipant } from '../dispatch/participants.js';
import { echo, embedded, planOf, temporary } from './embedding.js';

const sockets = (): readonly string[] =>
  process.getActiveResourcesInfo().filter((resource) => /TCP|Server|Pipe(?!Wrap)/.test(resource));

test.serial('a coordinator, its participants and a client live in one process, and nothing listens', async (t) => {
  const before = sockets();
  const stock = echo('stock', () => ({ reserved: 2 }));
  const client = await embedded(t, { participants: [stock.participant] });
  const { status, result, xid } = await client.submit(planOf('stock'), { waitSeconds: 10 });
  t.is(status, 'committed');
  t.deepEqual(result, { stock: { reserved: 2 } });
  t.deepEqual(stock.calls, ['action "stock"']);
  t.deepEqual(sockets(), before);
  t.is(client.url, undefined);
  t.is((await client.events(xid))[0]?.type, 'opened');
});

test('what embed returns is the client, also under the name client', async (t) => {
  const whole = await embedded(t, { participants: [echo('stock').participant] });
  const { client } = whole;
  const { xid } = await client.submit(planOf('stock'), { waitSeconds: 10 });
  t.is((await whole.get(xid)).status, 'committed');
});

test('a transaction is driven by its initiator, and a refused branch is told to it alone', async (t) => {
  const stock = echo('stock', (input) => {
    if (input === 'none left') throw new Refused('sold out', { code: 'sold_out' });
    return input;
  });
  const client = await embedded(t, { participants: [stock.participant] });
  const { xid } = await client.open({ name: 'checkout' });
  const add = (id: string, input: string) => client.addBranch(xid, { id, participant: 'stock', handler: 'run', input });
  t.like(await add('first', 'none left'), { status: 'refused', lastError: 'sold out' });
  t.like(await add('second', 'two'), { status: 'done', output: 'two' });
  t.is((await client.commit(xid, { waitSeconds: 10 })).status, 'committed');
});

test('a refused step of a plan undoes those before it', async (t) => {
  const stock = echo('stock');
  const payment = echo('payment', () => {
    throw new Refused('no money');
  });
  const client = await embedded(t, { participants: [stock.participant, payment.participant] });
  const { status } = await client.submit(planOf('stock', 'payment'), { waitSeconds: 10 });
  t.is(status, 'rolled_back');
  t.deepEqual(stock.calls, ['action "stock"', 'compensate "stock"']);
});

test('two embedded coordinators in one process do not meet', async (t) => {
  const ours = echo('stock');
  const theirs = echo('stock');
  const one = await embedded(t, { participants: [ours.participant] });
  const other = await embedded(t, { participants: [theirs.participant, echo('payment').participant] });
  const { xid } = await one.submit(planOf('stock'), { waitSeconds: 10 });
  t.deepEqual([ours.calls.length, theirs.calls.length], [1, 0]);
  t.like(await t.throwsAsync(other.get(xid)), { code: 'transaction_not_found' });
  t.deepEqual((await other.list()).items, []);
  t.like(await t.throwsAsync(one.submit(planOf('payment'))), { code: 'invalid_request' });
  await one.close();
  t.is((await other.submit(planOf('stock'), { waitSeconds: 10 })).status, 'committed');
});

test('one file is embedded once at a time', async (t) => {
  const file = `sqlite:${path.join(await temporary(t), 'store.db')}`;
  const first = await embedded(t, { store: file, participants: [echo('stock').participant] });
  const { xid } = await first.submit(planOf('stock'), { waitSeconds: 10 });
  const error = await t.throwsAsync(embedded(t, { store: file, participants: [echo('stock').participant] }));
  t.true(error instanceof StoreError);
  t.regex(error?.message ?? '', /embedded in this process already: close that one first/);
  await first.close();
  const second = await embedded(t, { store: file, participants: [echo('stock').participant] });
  t.is((await second.get(xid)).status, 'committed');
});

test('a participant that is not embedded is unknown', async (t) => {
  const client = await embedded(t, { participants: [echo('stock').participant] });
  const error = await t.throwsAsync(client.submit(planOf('stock', 'payment')));
  t.like(error, { code: 'invalid_request', details: [{ pointer: '/steps/1/participant' }] });
});

test('a step with a url goes over HTTP, signed, and only where the allow-list lets it', async (t) => {
  const seen: string[] = [];
  const url = await httpParticipant(t, (request, response) => {
    seen.push(`${request.url} ${request.headers['webhook-signature'] !== undefined}`);
    response.setHeader('content-type', 'application/json').end('{"ok":true}');
  });
  const signingSecrets = [`whsec_${Buffer.alloc(32, 1).toString('base64')}`];
  const client = await embedded(t, { signingSecrets, participants: [] });
  const step = { id: 'a', kind: 'saga' as const, url: `${url}/stock` };
  t.is((await client.submit({ name: 'mixed', steps: [step] }, { waitSeconds: 10 })).status, 'committed');
  t.deepEqual(seen, ['/stock/action true']);
  const elsewhere = { name: 'mixed', steps: [{ ...step, url: 'http://192.0.2.1/stock' }] };
  t.like(await t.throwsAsync(client.submit(elsewhere)), { code: 'invalid_request' });
  const wider = await embedded(t, { allow: ['http://192.0.2.1'] });
  t.is((await wider.submit(elsewhere)).status, 'active');
});

test('with listen it serves the HTTP API as well, closed by default', async (t) => {
  const client = await embedded(t, { listen: '127.0.0.1:0', participants: [echo('stock').participant] });
  const { xid } = await client.submit(planOf('stock'), { waitSeconds: 10 });
  const answer = await fetch(`${client.url}/v1/transactions/${xid}`);
  t.like(await answer.json(), { xid, status: 'committed' });
  await client.close();
  await t.throwsAsync(fetch(`${client.url}/healthz`));
  const wide = await t.throwsAsync(embedded(t, { listen: '0.0.0.0:0' }));
  t.true(wide instanceof ConfigError);
  t.regex(wide?.message ?? '', /expected a loopback address, as there are no API keys/);
});

test('an option that is wrong is named, with what was expected and what came', async (t) => {
  const refused = async (options: object, message: RegExp): Promise<void> => {
    const error = await t.throwsAsync(embedded(t, { participants: [echo('stock').participant], ...options }));
    t.regex(error?.message ?? '', message);
  };
  await refused(
    { store: 'mysql://db/x' },
    /^store \(option\): expected sqlite:PATH.* which comes with a later version/,
  );
  await refused({ store: undefined }, /^store \(option\): expected sqlite:PATH.*, got ""/);
  await refused({ queue: 'redis://127.0.0.1' }, /^queue \(option\): expected memory, got redis:…/);
  await refused({ leaseMs: 1 }, /^leaseMs \(option\): expected a whole number from 100 .*, got "1"/);
  await refused({ allow: ['nonsense'] }, /^allow-list: expected an origin/);
  await refused({ signingSecrets: ['x'] }, /^signing secret 1: expected "whsec_"/);
  await refused({ participants: [{}] }, /expected an instance of a class with @Participant/);
  await refused({ store: 'sqlite:/nonexistent/store.db' }, /there is no directory/);
  await refused({ participants: undefined }, /^participants: expected a list .*, got nothing/);
  await refused({ participants: echo('stock').participant }, /^participants: expected a list .*, got one object/);
  await t.throwsAsync(embed(undefined as never), { message: /^embed: expected options such as .*, got undefined/ });
  await refused({ timeout: 1 }, /^timeout: expected one of store, .*, got an option that embed does not have/);
});

test('what could not start leaves nothing behind', async (t) => {
  const file = `sqlite:${path.join(await temporary(t), 'store.db')}`;
  const taken = await embedded(t, { listen: '127.0.0.1:0' });
  const listen = new URL(taken.url ?? '').host;
  await t.throwsAsync(embed({ store: file, participants: [], listen, log: 'silent' }), { code: 'EADDRINUSE' });
  await t.notThrowsAsync(embedded(t, { store: file }));
});

test('handlers run in the context of embed, not in that of whoever asked', async (t) => {
  const context = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const stock = echo('stock', () => void seen.push(context.getStore()));
  const client = await context.run('at the start', () => embedded(t, { participants: [stock.participant] }));
  const view = await context.run('a request', () => client.submit(planOf('stock'), { waitSeconds: 10 }));
  t.is(view.status, 'committed');
  t.deepEqual(seen, ['at the start']);
});

test('after close everything is told that nobody is there, and closing twice is closing once', async (t) => {
  const client = await embedded(t, { participants: [echo('stock').participant] });
  const { xid } = await client.submit(planOf('stock'), { waitSeconds: 10 });
  await Promise.all([client.close(), client.close()]);
  for (const call of [() => client.get(xid), () => client.submit(planOf('stock')), () => client.list()]) {
    const error = await t.throwsAsync(call());
    t.true(error instanceof NoCoordinator);
    t.regex(error?.message ?? '', /was closed/);
  }
  await client.client.close();
});
