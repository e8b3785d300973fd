import test, { type ExecutionContext } from 'ava';
import knex from 'knex';
import { NoCoordinator } from '../../sdk/client/errors.js';
import { coordinatorTime } from '../../sdk/participant/coordinator-time.js';
import { message, participant, saga } from '../../sdk/participant/define.js';
import { type Registry, register } from '../../sdk/participant/register.js';
import { ConcordatError, type ErrorCode } from '../../sdk/protocol/errors.js';
import type { RegistrationView } from '../../sdk/protocol/views.js';
import { manualClock } from '../helpers/clock.js';
import { keptLog, payment, standIn, startHost } from './hosting.js';

const nothing = async (): Promise<void> => undefined;
const charge = saga({ fence: 'none', action: nothing, compensate: nothing });
const participants = [payment({ charge })];

const instance = /^\/v1\/participants\/(\w+)\/instances\/([\w-]{36})$/;
const isPut = ({ method }: { method: string }) => method === 'PUT';
const isDelete = ({ method }: { method: string }) => method === 'DELETE';

test('a host registers what it serves, with where it is reached', async (t) => {
  const { url: coordinator, asked } = await standIn(t);
  const db = knex({ client: 'sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true });
  t.teardown(() => db.destroy());
  const many = [
    payment({ charge }),
    participant({
      name: 'mail',
      db,
      resourceGroup: 'slow',
      handlers: {
        send: message({ deliver: nothing, fence: 'none' }),
        wire: saga({ action: nothing, compensate: nothing, external: true }),
      },
      checks: { placed: async () => 'commit' },
    }),
  ];
  const one = await startHost(t, { participants, coordinator: { url: coordinator, apiKey: 'k1' }, ttlMs: 6000 });
  const [alone] = asked.filter(isPut);
  t.like(alone, { authorization: 'Bearer k1' });
  t.deepEqual(instance.exec(alone!.path)?.slice(1), ['payment', one.id]);
  t.deepEqual(alone?.body, {
    url: one.url,
    handlers: [{ name: 'charge', kind: 'saga' }],
    checks: [],
    sdk: 'concordat-typescript',
    batch: true,
    ttlMs: 6000,
  });
  const several = await startHost(t, { participants: many, coordinator, publicUrl: 'http://127.0.0.1:9/host/' });
  const [, first, second] = asked.filter(isPut);
  t.is(several.url, 'http://127.0.0.1:9/host');
  t.is(first?.body.url, 'http://127.0.0.1:9/host/payment');
  t.like(second?.body, {
    url: 'http://127.0.0.1:9/host/mail',
    handlers: [
      { name: 'send', kind: 'message' },
      { name: 'wire', kind: 'saga', external: true },
    ],
    checks: ['placed'],
    resourceGroup: 'slow',
  });
});

const refusals: readonly [string, number, ErrorCode, RegExp][] = [
  ['a key that may not', 403, 'forbidden', /'payment' at http.* was not registered: no; use a key/],
  ['no key', 401, 'unauthorized', /CONCORDAT_API_KEY/],
  ['an address that is not allowed', 400, 'invalid_request', /CONCORDAT_ALLOW/],
  ['another kind', 409, 'kind_conflict', /'payment' at http.* was not registered: no$/],
];

for (const [what, status, code, expected] of refusals) {
  test(`${what}: serve rejects with what the coordinator said and what to do`, async (t) => {
    const coordinator = await standIn(t, ({ method }) =>
      method === 'PUT' ? { status, body: { code, detail: 'no', status } } : undefined,
    );
    const log = keptLog();
    const error = await t.throwsAsync(startHost(t, { participants, coordinator: coordinator.url, log }), {
      instanceOf: ConcordatError,
      message: expected,
    });
    t.false(log.lines.some(({ message: text }) => text.includes('tried again')));
    t.is((error as ConcordatError).code, code);
  });
}

test('a coordinator that comes later gets the registration then', async (t) => {
  const early = await standIn(t);
  await early.close();
  const log = keptLog();
  const host = await startHost(t, { participants, coordinator: early.url, log });
  t.true(log.lines.some(({ level, message: text }) => level === 'warn' && text.includes('tried again')));
  const late = await standIn(t, undefined, Number(new URL(early.url).port));
  await host.registered;
  t.is(late.asked.filter(isPut).length, 1);
});

test('a coordinator without a registry is no reason not to serve', async (t) => {
  const coordinator = await standIn(t, () => ({ status: 501, body: { code: 'not_available', detail: 'later' } }));
  const host = await startHost(t, { participants, coordinator: coordinator.url });
  t.is((await fetch(`${host.url}/healthz`)).status, 200);
});

/** A registry in this process, on a clock that stands still. */
async function registering(t: ExecutionContext, answers: (nth: number) => Promise<Partial<RegistrationView>>) {
  const clock = manualClock();
  const puts: number[] = [];
  const drops: string[] = [];
  const floors: [number, string][] = [];
  const registry: Registry = {
    registerInstance: async (name, id) => {
      puts.push(clock.monotonic());
      const answer = await answers(puts.length);
      return { participant: name, id, origin: 'origin-1', expiresAt: '', fenceFloor: '', ...answer };
    },
    dropInstance: async (name) => void drops.push(name),
  };
  const registration = await register({
    registry,
    definitions: participants,
    id: 'host-1',
    urlOf: () => 'http://127.0.0.1:9',
    ttlMs: 30_000,
    clock,
    log: keptLog(),
    onFloor: (utcMs, origin) => floors.push([utcMs, origin]),
    time: coordinatorTime(clock),
  });
  t.teardown(() => registration.stop(0));
  return { clock, puts, drops, floors, registration };
}

/** Lets everything run that waits for nothing but its turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a registration that nobody answered is taken out of traffic all the same, and one that never arrived is not', async (t) => {
  for (const wasSent of [true, false]) {
    const { drops, registration } = await registering(t, async () => {
      throw new NoCoordinator('nobody answers', { wasSent });
    });
    await registration.stop(1000);
    t.deepEqual(drops, wasSent ? ['payment'] : []);
  }
});

test('a registration is renewed three times within its time, a little apart from those of others', async (t) => {
  const { clock, puts, floors } = await registering(t, async (nth) => ({
    fenceFloor: new Date(Date.UTC(2030, 0, nth)).toISOString(),
  }));
  for (let i = 0; i < 40; i++) {
    clock.advance(1000);
    await turn();
  }
  const gaps = puts.slice(1).map((at, index) => at - puts[index]!);
  t.true(gaps.length >= 3);
  t.true(
    gaps.every((gap) => gap >= 9000 && gap <= 12_000),
    String(gaps),
  );
  t.not(gaps[0]! % 1000, gaps[1]! % 1000);
  t.deepEqual(floors.slice(0, 2), [
    [Date.UTC(2030, 0, 1), 'origin-1'],
    [Date.UTC(2030, 0, 2), 'origin-1'],
  ]);
});

test('J1 what fails is tried again after longer and longer pauses, and then in the old rhythm', async (t) => {
  const { clock, puts, registration } = await registering(t, async (nth) => {
    if (nth <= 6) throw new Error('nobody there');
    return {};
  });
  let isRegistered = false;
  void registration.registered.then(() => {
    isRegistered = true;
  });
  for (let i = 0; i < 600; i++) {
    clock.advance(100);
    await turn();
  }
  t.true(isRegistered);
  const gaps = puts.slice(1).map((at, index) => at - puts[index]!);
  t.deepEqual(
    gaps.slice(0, 6).map((gap) => Math.round(Math.log2(gap / 500))),
    [0, 1, 2, 3, 4, 4],
  );
});

test('a heartbeat that gets no answer does not end the heartbeats', async (t) => {
  const { clock, puts } = await registering(t, (nth) =>
    nth === 2 ? new Promise(() => undefined) : Promise.resolve({}),
  );
  for (let i = 0; i < 40; i++) {
    clock.advance(1000);
    await turn();
  }
  t.true(puts.length >= 3);
});

test('a host that closes takes itself out of traffic, after a heartbeat that is still on its way', async (t) => {
  let answer = (): void => undefined;
  const { clock, puts, drops, registration } = await registering(t, (nth) =>
    nth === 1
      ? Promise.resolve({})
      : new Promise((resolve) => {
          answer = () => resolve({});
        }),
  );
  clock.advance(12_000);
  t.is(puts.length, 2);
  const stopped = registration.stop(1000);
  await turn();
  t.deepEqual(drops, []);
  answer();
  await stopped;
  t.deepEqual(drops, ['payment']);
  clock.advance(60_000);
  await turn();
  t.is(puts.length, 2);
});

test('closing a host tells the coordinator of every participant', async (t) => {
  const { url: coordinator, asked } = await standIn(t);
  const { url, id, close } = await startHost(t, { participants, coordinator });
  await close();
  t.deepEqual(
    asked.filter(isDelete).map(({ path }) => instance.exec(path)?.slice(1)),
    [['payment', id]],
  );
  await t.throwsAsync(fetch(`${url}/healthz`));
});
