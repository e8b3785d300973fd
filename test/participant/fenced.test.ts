/** What a host answers when its handlers have a fence in a database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import knex, { type Knex } from 'knex';
import { setRollbackOnly } from '../../sdk/client/context.js';
import { participant, saga } from '../../sdk/participant/define.js';
import { bodyOf, gate, headersOf, plant, post, type StandInAnswer, send, standIn, startHost } from './hosting.js';

async function database(t: ExecutionContext): Promise<Knex> {
  const directory = await mkdtemp(path.join(tmpdir(), 'concordat-test-'));
  const filename = path.join(directory, 'payment.db');
  const db = knex({ client: 'sqlite3', connection: { filename }, useNullAsDefault: true, pool: { min: 1, max: 1 } });
  t.teardown(async () => {
    await db.destroy();
    await rm(directory, { recursive: true, force: true });
  });
  await db.schema.createTable('effects', (table) => void table.increments('id'));
  return db;
}

const effectsIn = async (db: Knex): Promise<number> => (await db('effects').select('id')).length;

/** A host with a handler that leaves one row, and does what a test wants after that. */
async function start(t: ExecutionContext, after = async (): Promise<void> => undefined, coordinator?: string) {
  const db = await database(t);
  const charge = saga({
    action: async (_: unknown, tx) => {
      const [id] = await tx.db('effects').insert({ id: null });
      await after();
      return { id };
    },
    compensate: async (_, tx) => void (await tx.db('effects').delete().where(tx.output)),
  });
  const host = await startHost(t, {
    participants: [participant({ name: 'payment', db, handlers: { charge } })],
    ...(coordinator !== undefined && { coordinator }),
  });
  return { ...host, db };
}

test('C1 a command that comes twice in one batch has one effect and the same answer', async (t) => {
  const { url, db } = await start(t);
  const command = { path: '/charge/action', headers: headersOf(), body: JSON.parse(bodyOf('action')) };
  const other = { ...command, headers: headersOf({ branch: 2 }), body: JSON.parse(bodyOf('action', { branch: 2 })) };
  const first = await post(`${url}/_batch`, JSON.stringify({ commands: [command, other] }));
  const again = await post(`${url}/_batch`, JSON.stringify({ commands: [command, command, other] }));
  t.is(first.body.outcomes[0].status, 200);
  const answers = new Set(again.body.outcomes.map((outcome: { status: number }) => outcome.status));
  // A twin of a command that is at work in the same batch may be told to ask again.
  t.true([...answers].every((status) => status === 200 || status === 425));
  t.deepEqual((await send(url, 'charge/action')).body, first.body.outcomes[0].body);
  t.is(await effectsIn(db), 2);
});

test('C1 D3 a twin of a command that runs is told to ask again, and does not wait', async (t) => {
  const { wait, arrived, release } = gate();
  const { url, db } = await start(t, wait);
  const running = send(url, 'charge/action');
  await arrived;
  const twin = await send(url, 'charge/action');
  t.deepEqual([twin.status, twin.body.code, twin.headers['retry-after']], [425, 'still_running', '1']);
  release();
  const { body } = await running;
  t.deepEqual((await send(url, 'charge/action')).body, body);
  t.is(await effectsIn(db), 1);
});

test('D1 D2 an undo of what was never done is done, and what it undoes is suppressed after it', async (t) => {
  const { url, db } = await start(t);
  t.is((await send(url, 'charge/compensate', { forward: 'unknown' })).status, 200);
  const late = await send(url, 'charge/action');
  t.deepEqual([late.status, late.body.code], [409, 'suppressed']);
  t.is(await effectsIn(db), 0);
});

/** A coordinator that cannot take the first mark, and a handler that sets one. */
async function startMarking(t: ExecutionContext) {
  let refusals = 1;
  const down: StandInAnswer = { status: 500, body: { code: 'internal', detail: 'down' } };
  const coordinator = await standIn(t, ({ path: asked }) =>
    asked.endsWith('/rollback-only') && refusals-- > 0 ? down : undefined,
  );
  const started = await start(t, async () => void setRollbackOnly('too dear'), coordinator.url);
  const marks = () => coordinator.asked.filter(({ path: asked }) => asked.endsWith('/rollback-only')).length;
  return { ...started, marks };
}

test('a mark that cannot be placed takes the work back, so that the next attempt sets it again', async (t) => {
  const { url, db, marks } = await startMarking(t);
  t.is((await send(url, 'charge/action')).status, 500);
  t.is(await effectsIn(db), 0);
  t.is((await send(url, 'charge/action', { headers: { 'concordat-attempt': '2' } })).status, 200);
  t.is(await effectsIn(db), 1);
  t.is(marks(), 2);
});

test.serial('without that the work would be kept and its mark lost', async (t) => {
  plant(t, 'work-without-its-marks');
  const { url, db, marks } = await startMarking(t);
  t.is((await send(url, 'charge/action')).status, 200);
  t.is((await send(url, 'charge/action', { headers: { 'concordat-attempt': '2' } })).status, 200);
  t.is(await effectsIn(db), 1);
  t.is(marks(), 1);
});
