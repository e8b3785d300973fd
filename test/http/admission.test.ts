import { connect as connectTcp } from 'node:net';
import test from 'ava';
import { Admission } from '../../coordinator/http/admission.js';
import type { NewWork } from '../../coordinator/http/route.js';
import { connect } from '../../sdk/index.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { plant, signal } from '../dispatch/participants.js';
import { storeBehind } from '../engine/store.js';
import { manualClock } from '../helpers/clock.js';
import { startServing } from './serving.js';

const admits = (admission: Admission, work: NewWork = 'transaction'): boolean => {
  try {
    admission.demand(work);
    return true;
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'overloaded') return false;
    throw error;
  }
};

/** With so much to do that it says, and room for a hundred. */
function admission() {
  const load = { busy: 0, appendMs: 0 };
  const clock = manualClock();
  const lanes = { waiting: 0 };
  const controls = { waitingForRoom: () => lanes.waiting };
  const loop = { share: 0.5 };
  const parts = { engine: { load }, controls, clock, loopShare: () => loop.share };
  return { load, clock, lanes, loop, door: new Admission(parts, 100) };
}

test('J7 new work is let in up to a bound, and twice as much of what was let in', (t) => {
  const { load, door } = admission();
  load.busy = 99;
  t.true(admits(door));
  load.busy = 100;
  t.false(admits(door));
  t.true(admits(door, 'branch'));
  load.busy = 200;
  t.false(admits(door, 'branch'));
});

test('J7 what waits for room at participants counts only while the process itself is behind', (t) => {
  const { load, clock, lanes, door } = admission();
  load.busy = 20;
  lanes.waiting = 1_000_000;
  t.true(admits(door), 'it is the participant that is slow');
  load.appendMs = 150;
  t.false(admits(door));
  lanes.waiting = 50;
  clock.advance(100);
  t.true(admits(door));
  lanes.waiting = 1_000_000;
  load.busy = 9;
  clock.advance(100);
  t.true(admits(door), 'with next to nothing to do, whatever it was is over');
});

test('J7 a process whose loop is never idle is behind: what waits for participants that are well waits for it', (t) => {
  const { load, clock, lanes, loop, door } = admission();
  load.busy = 1;
  lanes.waiting = 99;
  loop.share = 0.94;
  t.true(admits(door));
  clock.advance(100);
  loop.share = 0.95;
  t.false(admits(door));
  lanes.waiting = 98;
  t.false(admits(door), 'counted ten times a second');
  clock.advance(100);
  t.true(admits(door));
});

test('requests whose body is on its way count', async (t) => {
  const { load, door } = admission();
  load.busy = 99;
  const body = signal();
  const read = door.reading(body.came);
  t.false(admits(door));
  body.give();
  await read;
  t.true(admits(door));
});

const one = { name: 'one', steps: [{ id: 'one', kind: 'saga', url: 'http://127.0.0.1:9/x' }] };

/** A coordinator whose store takes its time until it is told to go on, with room for three transactions. */
async function busy(t: Parameters<typeof startServing>[0]) {
  const stuck = signal();
  let isStuck = false;
  const serving = await startServing(t, {
    flags: { workMax: '3' },
    changeStore: (store) => {
      const through = storeBehind(
        store,
        { append: () => 'through', read: () => 'through', renew: () => 'through' },
        () => undefined,
      );
      return {
        ...through,
        append: (append) => (isStuck ? stuck.came.then(() => store.append(append)) : store.append(append)),
      };
    },
  });
  isStuck = true;
  const opened = [1, 2, 3].map(() => serving.post('/v1/transactions', one));
  // They are on their way before a fourth is: each has its connection.
  while ((await serving.get('/healthz')).status === 200 && (await probe(serving.url)) !== 429);
  return { serving, opened, goOn: () => stuck.give() };
}

/** Tries to open a transaction that is no JSON: 429 when there is no room, else 400. */
async function probe(url: string): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  return (await fetch(`${url}/v1/transactions`, { method: 'POST', headers, body: '{' })).status;
}

test('J7 without room a new transaction is answered 429 with Retry-After, and a little later it is let in', async (t) => {
  const { serving, opened, goOn } = await busy(t);
  const refused = await serving.post('/v1/transactions', { ...one, xid: 'later' });
  t.is(refused.status, 429);
  t.is(refused.headers.get('retry-after'), '1');
  t.like(refused.body, { code: 'overloaded', retryable: true });
  t.is((await serving.get('/v1/transactions/later')).status, 404, 'nothing of it is stored');
  t.is((await serving.get('/v1/transactions')).status, 200, 'looking goes on');
  const client = connect({ url: serving.url });
  t.teardown(() => client.close());
  const submitted = client.submit({ ...one, xid: 'patient' } as never);
  goOn();
  t.is((await submitted).xid, 'patient');
  for (const { status } of await Promise.all(opened)) t.is(status, 201);
});

test.serial('planted admit-everybody: the bound above is seen to be passed', async (t) => {
  plant(t, 'admit-everybody');
  const { load, door } = admission();
  load.busy = 1_000_000;
  t.true(admits(door));
});

test('a connection goes on after a small request was turned away', async (t) => {
  const { serving, goOn } = await busy(t);
  const socket = connectTcp(Number(new URL(serving.url).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  const text = JSON.stringify(one);
  const request = `POST /v1/transactions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
  let answers = '';
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      answers += chunk;
      if (answers.split('HTTP/1.1 ').length === 3 && answers.endsWith('}')) resolve();
    });
    socket.write(request + request);
  });
  t.is(answers.split('HTTP/1.1 429').length, 3);
  t.notRegex(answers, /connection: close/i);
  goOn();
});
