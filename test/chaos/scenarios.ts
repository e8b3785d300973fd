/**
 * Scenarios that end well, each because of one protection: run as they are, they find nothing wrong; run with the
 * protection taken out, they must.
 */
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { openDatabase } from '../../participants/database.js';
import { headers } from '../../sdk/protocol/commands.js';
import { isFinal } from '../../sdk/protocol/views.js';
import { planOf, stepsOf } from './orders.js';
import type { Scope } from './program.js';
import { passOn, startRogue } from './rogue.js';
import { type Shop, startShop } from './shop.js';

/** What is wrong in the end. */
export type Scenario = (scope: Scope, planted: PlantedBug | undefined) => Promise<readonly string[]>;

/** How long a scenario may take to its end; it takes a tenth of it when the machine has nothing else to do. */
const boundMs = 12_000;

/** The audit once all have ended, or that they have not. */
async function outcome(shop: Shop, xids: readonly string[]): Promise<readonly string[]> {
  try {
    await shop.settled(xids, boundMs);
  } catch (error) {
    return [(error as Error).message];
  }
  return shop.audit();
}

/** A1 I3: killed before the first commit. */
export const answeredTooEarly: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { failpoint: 'before-commit', planted });
  const answer = await shop.customer.once('POST', '', { xid: 'mine', name: 'x', steps: planOf(shop.services, 'good') });
  if (answer && answer.status < 300) shop.customer.acknowledged.opened.add('mine');
  await shop.coordinator.diesAtFailpoint();
  return shop.auditNow();
};

/** A6 I10: killed while a command is in flight, and started again. */
export const killedInFlight: Scenario = async (scope, planted) => {
  const env = { CONCORDAT_CALL_MS: '600000' };
  const shop = await startShop(scope, { env });
  const held = shop.services.order.hold('before-work');
  const xid = await shop.order('good');
  await held.arrived;
  await shop.coordinator.kill();
  held.release();
  await shop.coordinator.start({ planted, env });
  return outcome(shop, [xid]);
};

/** B2 I1: an answer is lost, and there are no more attempts. */
export const lostTheOnlyAnswer: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { participantFailpoint: { payment: 'fence-after-commit' }, planted });
  const steps = planOf(shop.services, 'good').map((step) => ({ ...step, retry: { attemptsMax: 1 } }));
  const xid = await shop.submit(steps);
  await shop.services.payment.ending;
  await shop.services.payment.start();
  return outcome(shop, [xid]);
};

/** B7 I8: the service whose undo comes first is down for a while. */
export const firstUndoWaits: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { apart: ['payment'], planted });
  const held = shop.services.stock.hold('before-work');
  const xid = await shop.order('sold out');
  await held.arrived;
  await shop.services.payment.kill();
  held.release();
  await shop.triedAgain(xid, 'payment', 3);
  await shop.services.payment.start();
  return outcome(shop, [xid]);
};

/** C6 I1: an answer comes too late, though the work is done. */
export const slowAnswer: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { planted });
  const held = shop.services.payment.hold('before-answer');
  const xid = await shop.submit(planOf(shop.services, 'good').map((step) => ({ ...step, timeoutMs: 500 })));
  await shop.reaches(
    xid,
    ({ decision, waitingOn }) => decision !== null || waitingOn.some(({ attempt }) => attempt > 1),
  );
  held.release();
  return outcome(shop, [xid]);
};

/** B5 I1: a participant restored from an old back-up cannot undo. Its own books are wrong then, so only I1 is judged. */
export const cannotUndo: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { planted });
  const held = shop.services.stock.hold('before-work');
  const xid = await shop.order('sold out');
  await held.arrived;
  const db = openDatabase(shop.services.payment.db);
  await db('concordat_fence').where({ xid }).delete();
  await db.destroy();
  held.release();
  return (await outcome(shop, [xid])).filter((violation) => violation.startsWith('I1 '));
};

/** E6 I2: somebody wants to roll back what is being committed. */
export const rollbackAfterCommit: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { planted });
  const held = shop.services.stock.hold('before-work', 3);
  const xid = await shop.order('tcc');
  await shop.reaches(xid, ({ decision }) => decision === 'commit');
  await shop.customer.ask('POST', `/${xid}/rollback`, {});
  held.release();
  return outcome(shop, [xid]);
};

/** D11 I6: a branch is added to what is committed. */
export const branchAfterTheEnd: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { planted });
  const xid = await shop.order('initiated');
  await shop.settled([xid]);
  await shop.customer.once('POST', `/${xid}/branches`, { ...stepsOf(shop.services).order, id: 'late' }, 1);
  return outcome(shop, [xid]);
};

/** J6 I10: a participant answers "pending" for ever. */
export const pendingForEver: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { planted, env: { CONCORDAT_PENDING_FOR_MS: '400' } });
  const rogue = await startRogue(scope, ({ op }) => ({
    status: op === 'action' ? 202 : 200,
    headers: { 'retry-after': '0' },
  }));
  const xid = await shop.submit([
    stepsOf(shop.services).order,
    { id: 'rogue', kind: 'saga', url: `${rogue}/x`, input: 1 },
  ]);
  return outcome(shop, [xid]);
};

/** K1 I1: between coordinator and payment somebody answers with garbage, once. */
export const garbage: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { planted });
  const rogue = await startRogue(scope, (asked) =>
    asked.count === 1 ? { status: 200, body: '{"paymentId":' } : passOn(shop.services.payment.url, asked),
  );
  const [order, payment, ...rest] = planOf(shop.services, 'good');
  const xid = await shop.submit([order!, { ...payment!, url: `${rogue}/charge` }, ...rest]);
  return outcome(shop, [xid]);
};

/** C3 I11: a participant takes back what it said, after the end. */
export const contradicts: Scenario = async (scope, planted) => {
  const shop = await startShop(scope, { planted });
  let token: string | undefined;
  const rogue = await startRogue(scope, ({ headers: sent }) => {
    token = String(sent[headers.token]);
    return { status: 200 };
  });
  const xid = await shop.submit([{ id: 'rogue', kind: 'saga', url: `${rogue}/x`, input: 1 }]);
  await shop.reaches(xid, ({ status }) => isFinal(status));
  await shop.customer.late(xid, 1, token!, { op: 'action', outcome: 'refused', reason: 'after all' });
  return (await outcome(shop, [xid])).filter((violation) => !violation.startsWith('I1 '));
};
