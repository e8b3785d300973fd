import type { Branch, Json } from 'concordat';

/**
 * The effect ledger: one row for each effect, written in the transaction of the effect. It has no unique key on
 * purpose: an effect that happened twice must be seen, not hidden behind an error.
 */
export const effectsTable = `create table if not exists effects (
  id integer primary key autoincrement,
  origin text not null,
  xid text not null,
  branch integer not null,
  op text not null,
  effect text not null,
  details text not null,
  at integer not null
)`;

/** Writes one row of the ledger: what happened, as `payment.charged`, and to what. */
export async function recordEffect(tx: Branch, effect: string, details: Json): Promise<void> {
  const { origin, xid, branch, op } = tx;
  await tx.db('effects').insert({ origin, xid, branch, op, effect, details: JSON.stringify(details), at: Date.now() });
}
