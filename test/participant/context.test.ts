import test, { type ExecutionContext } from 'ava';
import { currentTransaction } from '../../sdk/client/context.js';
import { saga, tcc } from '../../sdk/participant/define.js';
import { payment, plant, type StandInAnswer, send, standIn, startHost } from './hosting.js';

const nothing = async (): Promise<void> => undefined;

/** A host whose coordinator answers marks as it is told. */
async function start(t: ExecutionContext, action: () => Promise<unknown>, answer?: () => Promise<StandInAnswer>) {
  const coordinator = await standIn(t, ({ path }) => (path.endsWith('/rollback-only') ? answer?.() : undefined));
  const charge = saga({ fence: 'none', action, compensate: async () => void (await action()) });
  const reserve = tcc({ fence: 'none', try: nothing, confirm: async () => void (await action()), cancel: nothing });
  const { url } = await startHost(t, { participants: [payment({ charge, reserve })], coordinator: coordinator.url });
  const marks = () =>
    coordinator.asked.filter(({ path }) => path.endsWith('/rollback-only')).map(({ path, body }) => [path, body]);
  return { url, marks };
}

test('a handler knows its transaction, through awaits and callbacks', async (t) => {
  const { url } = await start(t, async () => {
    await nothing();
    const later = await new Promise((resolve) => setImmediate(() => resolve(currentTransaction()?.xid)));
    return { now: currentTransaction()?.xid, role: currentTransaction()?.role, later };
  });
  const { body } = await send(url, 'charge/action', { xid: 'x7' });
  t.deepEqual(body, { now: 'x7', role: 'branch', later: 'x7' });
  t.is(currentTransaction(), undefined);
});

test('a mark that a handler set and did not wait for is with the coordinator before the answer', async (t) => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { url, marks } = await start(
    t,
    async () => {
      void currentTransaction()?.setRollbackOnly('too dear');
      return currentTransaction()?.rollbackOnly;
    },
    async () => {
      await held;
      return { status: 200, body: {} };
    },
  );
  let isAnswered = false;
  const answer = send(url, 'charge/action', { xid: 'x1' }).finally(() => {
    isAnswered = true;
  });
  while (marks().length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.false(isAnswered);
  release();
  t.deepEqual((await answer).body, true);
  t.deepEqual(marks(), [['/v1/transactions/x1/rollback-only', { reason: 'too dear' }]]);
});

const gone = async (): Promise<StandInAnswer> => ({ status: 500, body: { code: 'internal', detail: 'down' } });
const markAndGoOn = async () => {
  void currentTransaction()?.setRollbackOnly();
  return 'done';
};

test('a mark that cannot be placed leaves the command without an outcome', async (t) => {
  const { url } = await start(t, markAndGoOn, gone);
  t.is((await send(url, 'charge/action')).status, 500);
});

test.serial('without that a lost mark would be a commit', async (t) => {
  plant(t, 'work-without-its-marks');
  const { url } = await start(t, markAndGoOn, gone);
  t.is((await send(url, 'charge/action')).status, 200);
});

test('a mark in an undo changes nothing, one in a confirm is an error', async (t) => {
  const { url, marks } = await start(t, markAndGoOn);
  t.is((await send(url, 'charge/compensate', { forward: 'done' })).status, 200);
  t.is((await send(url, 'reserve/confirm', { forward: 'done' })).status, 500);
  t.deepEqual(marks(), []);
});
