import type { Knex } from 'knex';
import { createTables } from '../database.js';

export interface ChargeRequest {
  readonly customer: string;
  readonly amountCents: number;
  readonly metadata: unknown;
}

interface ChargeRow {
  readonly id: number;
  readonly customer: string;
  readonly amount_cents: number;
  readonly status: 'processing' | 'captured' | 'declined' | 'returned' | 'void';
  readonly reason: string | null;
  readonly metadata: string;
  readonly due_at: number;
}

export type Charged =
  | { readonly kind: 'charged'; readonly chargeId: string }
  | { readonly kind: 'declined'; readonly code: string; readonly reason: string }
  | { readonly kind: 'processing'; readonly retryAfterMs: number };

/** Makes what is not there yet. `movements` has no unique key on purpose: money that moved twice must be seen. */
export async function prepareBooks(db: Knex, accounts: ReadonlyMap<string, number>): Promise<void> {
  await createTables(db, [
    `create table if not exists accounts (
      customer text primary key,
      opening_cents integer not null check (opening_cents >= 0),
      balance_cents integer not null check (balance_cents >= 0)
    )`,
    `create table if not exists charges (
      id integer primary key autoincrement,
      key text not null unique,
      customer text not null,
      amount_cents integer not null,
      status text not null check (status in ('processing', 'captured', 'declined', 'returned', 'void')),
      reason text,
      metadata text not null,
      due_at integer not null
    )`,
    `create table if not exists movements (
      id integer primary key autoincrement,
      charge_id integer not null references charges (id),
      what text not null check (what in ('charged', 'returned')),
      amount_cents integer not null,
      at integer not null
    )`,
  ]);
  for (const [customer, cents] of accounts) {
    const row = { customer, opening_cents: cents, balance_cents: cents };
    await db('accounts').insert(row).onConflict('customer').ignore();
  }
}

/** Charges once for each key. The first request only announces the charge when it takes `settleMs` to go through. */
export const charge = (db: Knex, key: string, request: ChargeRequest, settleMs: number): Promise<Charged> =>
  db.transaction(async (trx) => {
    const { customer, amountCents, metadata } = request;
    const row = { key, customer, amount_cents: amountCents, metadata: JSON.stringify(metadata ?? {}) };
    await trx('charges')
      .insert({ ...row, status: 'processing', due_at: Date.now() + settleMs })
      .onConflict('key')
      .ignore();
    const found = await trx('charges').where({ key }).first<ChargeRow>();
    if (found.status !== 'processing') return answerOf(found);
    const waitMs = found.due_at - Date.now();
    if (waitMs > 0) return { kind: 'processing', retryAfterMs: waitMs };
    return answerOf(await settle(trx, found));
  });

async function settle(trx: Knex, row: ChargeRow): Promise<ChargeRow> {
  const { id, customer, amount_cents: amountCents } = row;
  const taken = await trx('accounts')
    .where({ customer })
    .where('balance_cents', '>=', amountCents)
    .decrement('balance_cents', amountCents);
  if (taken === 1) await move(trx, id, 'charged', amountCents);
  const change =
    taken === 1
      ? ({ status: 'captured' } as const)
      : ({ status: 'declined', reason: `the card of ${customer} was declined` } as const);
  await trx('charges').where({ id }).update(change);
  return { ...row, ...change };
}

function answerOf({ id, status, reason }: ChargeRow): Charged {
  if (status === 'captured') return { kind: 'charged', chargeId: `ch_${id}` };
  if (status === 'declined') return { kind: 'declined', code: 'card_declined', reason: reason ?? 'declined' };
  return { kind: 'declined', code: 'charge_cancelled', reason: 'the charge was cancelled' };
}

/** Gives back what was charged with the key. A key that was never charged never can be from now on. */
export const cancel = (db: Knex, key: string, metadata: unknown): Promise<ChargeRow['status']> =>
  db.transaction(async (trx) => {
    const nothing = { key, customer: '', amount_cents: 0, metadata: JSON.stringify(metadata ?? {}), due_at: 0 };
    await trx('charges')
      .insert({ ...nothing, status: 'void' })
      .onConflict('key')
      .ignore();
    const { id, status, customer, amount_cents: amountCents } = await trx('charges').where({ key }).first<ChargeRow>();
    if (status === 'processing') return become(trx, id, 'void');
    if (status !== 'captured') return status;
    await trx('accounts').where({ customer }).increment('balance_cents', amountCents);
    await move(trx, id, 'returned', amountCents);
    return become(trx, id, 'returned');
  });

async function become(trx: Knex, id: number, status: ChargeRow['status']): Promise<ChargeRow['status']> {
  await trx('charges').where({ id }).update({ status });
  return status;
}

const move = (trx: Knex, chargeId: number, what: 'charged' | 'returned', amountCents: number) =>
  trx('movements').insert({ charge_id: chargeId, what, amount_cents: amountCents, at: Date.now() });
