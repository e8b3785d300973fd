import type { EffectRow, Evidence } from './evidence.js';
import { branchKey, type Finding, groupBy, type Told } from './finding.js';

/** What an order does when it is committed. Plans without a `complete` step leave the last out. */
const wholeOrder = ['order.created', 'payment.charged', 'stock.reserved', 'stock.taken'];
const completed = 'order.completed';
/** The provider takes the money instead. */
const transferred = 'payment.transferred';

/** A do, and what takes it back. */
const undoOf: Readonly<Record<string, string>> = {
  'order.created': 'order.cancelled',
  'order.completed': 'order.reopened',
  'payment.charged': 'payment.refunded',
  [transferred]: 'payment.returned',
  'stock.reserved': 'stock.freed',
};
const doOf = Object.fromEntries(Object.entries(undoOf).map(([done, undone]) => [undone, done]));

/**
 * I1: a committed order has every effect and none taken back; of one rolled back, every effect was taken back; nothing
 * else is in the ledgers. Transactions that are not final, or were resolved by hand, are not judged.
 */
export function atomic({ effects }: Evidence, told: readonly Told[]): Finding {
  const byXid = groupBy(effects, ({ xid }) => xid);
  const known = new Set(told.map(({ xid }) => xid));
  const judged = told.filter(({ status }) => status === 'committed' || status === 'rolled_back');
  const strangers = [...byXid.keys()].filter((xid) => !known.has(xid));
  return {
    invariant: 'I1 atomic',
    checked: judged.length,
    violations: [
      ...judged.flatMap(({ xid, status }) => {
        const found = byXid.get(xid) ?? [];
        return status === 'committed' ? wantWhole(xid, found) : wantNothingLeft(xid, found);
      }),
      ...strangers.map((xid) => `${xid}: effects of a transaction that nobody knows`),
    ],
  };
}

function wantWhole(xid: string, found: readonly EffectRow[]): string[] {
  const got = found.map(({ effect }) => (effect === transferred ? 'payment.charged' : effect)).sort();
  const wanted = (got.includes(completed) ? [...wholeOrder, completed] : wholeOrder).toSorted();
  if (got.join() === wanted.join()) return [];
  return [`${xid}: committed, expected ${wanted.join(', ')}; found ${got.join(', ') || 'nothing'}`];
}

function wantNothingLeft(xid: string, found: readonly EffectRow[]): string[] {
  const alone = found.filter((row) => {
    const opposite = undoOf[row.effect] ?? doOf[row.effect];
    return found.filter((other) => branchKey(other) === branchKey(row) && other.effect === opposite).length !== 1;
  });
  return alone.map(({ effect, branch }) => `${xid}: rolled back, but ${effect} of branch ${branch} has no counterpart`);
}
