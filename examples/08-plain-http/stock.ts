import type { Knex } from 'knex';
import { type Json, Refused } from './answers.js';
import type { Definition, Work } from './definition.js';
import { fields } from './input.js';

/** Try, confirm, cancel: `reserve` holds goods until the transaction is decided, and then sells or frees them. */
export const stock: Definition = {
  name: 'stock',
  tables: [
    `create table if not exists skus (
      sku text primary key,
      on_hand integer not null check (on_hand >= 0),
      reserved integer not null check (reserved >= 0),
      sold integer not null check (sold >= 0)
    )`,
    `create table if not exists reservations (
      id integer primary key autoincrement,
      sku text not null references skus (sku),
      quantity integer not null check (quantity > 0),
      status text not null check (status in ('reserved', 'sold', 'freed'))
    )`,
  ],
  firstRows: [`insert or ignore into skus values ('tea', 10, 0, 0), ('kettle', 0, 0, 0)`],
  handlers: { reserve: { try: reserve, confirm: sell, cancel: free } },
};

async function reserve({ trx, input }: Parameters<Work>[0]) {
  const sku = fields(input).text('sku');
  const quantity = fields(input).count('quantity', 10_000);
  const held = await trx('skus')
    .where({ sku })
    .where('on_hand', '>=', quantity)
    .update({ on_hand: trx.raw('on_hand - ?', [quantity]), reserved: trx.raw('reserved + ?', [quantity]) });
  if (held !== 1) throw await whyNot(trx, sku, quantity);
  const row = { sku, quantity, status: 'reserved' };
  const [inserted] = await trx('reservations').insert(row).returning<{ id: number }[]>('id');
  if (!inserted) throw new Error('expected the id of the new reservation');
  return { output: { reservationId: inserted.id }, effect: 'stock.reserved' };
}

async function whyNot(trx: Knex, sku: string, quantity: number): Promise<Refused> {
  const row = await trx('skus').where({ sku }).first<{ on_hand: number } | undefined>('on_hand');
  if (!row) return new Refused('unknown_sku', `unknown sku: ${sku}`);
  return new Refused('sold_out', `sold out: ${quantity} of ${sku} asked, ${row.on_hand} there`);
}

async function sell({ trx, output }: Parameters<Work>[0]) {
  return { output: await end(trx, output, 'sold', 'sold'), effect: 'stock.sold' };
}

async function free({ trx, output }: Parameters<Work>[0]) {
  return { output: await end(trx, output, 'freed', 'on_hand'), effect: 'stock.freed' };
}

async function end(trx: Knex, output: Json, status: 'sold' | 'freed', goesTo: 'sold' | 'on_hand'): Promise<Json> {
  const reservationId = fields(output, 'output').count('reservationId', Number.MAX_SAFE_INTEGER);
  const [ended] = await trx('reservations')
    .where({ id: reservationId, status: 'reserved' })
    .update({ status })
    .returning<{ sku: string; quantity: number }[]>(['sku', 'quantity']);
  if (!ended) throw new Error(`expected reservation ${reservationId} to be held`);
  const { sku, quantity } = ended;
  const change = { reserved: trx.raw('reserved - ?', [quantity]), [goesTo]: trx.raw('?? + ?', [goesTo, quantity]) };
  await trx('skus').where({ sku }).update(change);
  return { reservationId };
}
