import { deepStrictEqual } from 'node:assert';
import { statusOf } from '../../coordinator/decide/state.js';
import { transactionView } from '../../coordinator/http/views.js';
import { check, type Finding } from '../../participants/audit/audit.js';
import { readEvidence } from '../../participants/audit/evidence.js';
import { everyTransaction } from '../../participants/audit/told.js';
import { isFinal, type TransactionView } from '../../sdk/protocol/views.js';
import type { Customer } from './customer.js';
import { forgotten, type Log, lost, readLog } from './log.js';
import { type OrderKind, partial } from './orders.js';
import { type Recorded, wrongInHistory } from './recording.js';

/** What is looked at. */
export interface Audited extends Recorded {
  readonly coordinator: { readonly db: string; readonly url: string };
  readonly customer: Pick<Customer, 'acknowledged' | 'once'>;
  /** By xid. */
  readonly kinds: ReadonlyMap<string, OrderKind>;
}

const databases = ({ services: { order, payment, stock }, provider }: Audited) => ({
  order: order.db,
  payment: payment.db,
  stock: stock.db,
  provider: provider?.db,
});

const text = ({ invariant, violations }: Finding): readonly string[] =>
  violations.map((what) => `${invariant} ${what}`);

/** I2, I3, I4, I5, I7, I9 and I11: true at every moment, also while everybody is dead. */
export async function wrongNow(shop: Audited): Promise<readonly string[]> {
  const acknowledged = structuredClone(shop.customer.acknowledged);
  const log = await readLog(shop.coordinator.db);
  const always = check(await readEvidence(databases(shop)), []).filter(({ invariant }) => !/^I1\b/.test(invariant));
  return [...log.flaws, ...lost(log, acknowledged), ...forgotten(log), ...always.flatMap(text)];
}

/** All of it, once everything has come to its end: also I1, I6, I8 and I10, and that the coordinator tells what its log says. */
export async function wrongAtTheEnd(shop: Audited): Promise<readonly string[]> {
  const history = await wrongInHistory(shop);
  const log = await readLog(shop.coordinator.db);
  const told = await everyTransaction(shop.coordinator.url);
  const findings = check(await readEvidence(databases(shop)), told);
  return [
    ...history,
    ...forgotten(log),
    ...findings.flatMap(text).filter((violation) => !isPartial(shop, violation)),
    ...(await mistold(shop, log, new Map(told.map(({ xid, status }) => [xid, status])))),
  ];
}

/** The services' own audit expects whole orders only. */
const isPartial = ({ kinds }: Audited, violation: string): boolean =>
  partial.some((kind) => kinds.get(/^I1 atomic (\S+): committed/.exec(violation)?.[1] ?? '') === kind);

/** I11: the log folds to what the coordinator shows, one by one and in its list. */
async function mistold({ customer }: Audited, { states }: Log, listed: ReadonlyMap<string, string>): Promise<string[]> {
  const found: string[] = [];
  for (const [xid, state] of states) {
    if (listed.get(xid) !== statusOf(state))
      found.push(`I11 ${xid}: listed as ${listed.get(xid)}, it is ${statusOf(state)}`);
    if (!isFinal(statusOf(state))) continue;
    const shown = await customer.once('GET', `/${xid}`);
    if (shown?.status !== 200) found.push(`I11 ${xid}: in the log, and not shown (${shown?.status})`);
    else if (!isSame(shown.body, transactionView(state, 0)))
      found.push(`I11 ${xid}: shown otherwise than its log folds`);
  }
  for (const xid of listed.keys()) if (!states.has(xid)) found.push(`I11 ${xid}: listed, and not in the log`);
  return found;
}

function isSame(shown: object, folded: TransactionView): boolean {
  try {
    deepStrictEqual(shown, JSON.parse(JSON.stringify(folded)));
    return true;
  } catch {
    return false;
  }
}
