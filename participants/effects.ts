import type { Knex } from 'knex';
import type { Json } from '../sdk/protocol/json.js';
import type { BranchKey } from './inbox.js';

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

export interface Effect {
  /** What happened, as `payment.charged`. */
  readonly effect: string;
  readonly details: Json;
}

/** Writes one row of the ledger. */
export async function recordEffect(trx: Knex, key: BranchKey, op: string, effect: Effect, at: number): Promise<void> {
  const { origin, xid, branch } = key;
  await trx('effects').insert({
    origin,
    xid,
    branch,
    op,
    effect: effect.effect,
    details: JSON.stringify(effect.details),
    at,
  });
}
