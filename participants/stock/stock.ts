import type { Knex } from 'knex';
import type { Json } from '../../sdk/protocol/json.js';
import { Refused } from '../answers.js';
import type { Work } from '../definition.js';
import { fields, quantityMax } from '../fields.js';
import { type Service, type ServiceOptions, startService } from '../service.js';
import { stockTables } from './tables.js';

export interface StockOptions extends ServiceOptions {
  /** Quantity received by sku, for skus that are not there yet. */
  readonly skus?: ReadonlyMap<string, number>;
}

/** The stock service: `reserve` holds goods, and then sells or frees them. */
export const startStock = ({ skus, ...options }: StockOptions): Promise<Service> =>
  startService({ name: 'stock', tables: stockTables, seed: (db) => receive(db, skus ?? new Map()), handlers }, options);

async function receive(db: Knex, skus: ReadonlyMap<string, number>): Promise<void> {
  for (const [sku, quantity] of skus) {
    const row = { sku, received: quantity, on_hand: quantity, reserved: 0, sold: 0 };
    await db('skus').insert(row).onConflict('sku').ignore();
  }
}

interface Line {
  readonly sku: string;
  readonly quantity: number;
}

const reserve: Work = async ({ trx, branch: { origin, xid, branch }, input }) => {
  const order = fields(input);
  const orderId = order.count('orderId', Number.MAX_SAFE_INTEGER);
  const lines = order.list(
    'lines',
    (line): Line => ({ sku: line.text('sku'), quantity: line.count('quantity', quantityMax) }),
  );
  const row = { origin, xid, branch, order_id: orderId, status: 'reserved' };
  const [inserted] = await trx('reservations').insert(row).returning<{ id: number }[]>('id');
  if (!inserted) throw new Error('expected the id of the new reservation');
  const reservationId = inserted.id;
  for (const [line, { sku, quantity }] of lines.entries()) {
    const held = await trx('skus')
      .where({ sku })
      .where('on_hand', '>=', quantity)
      .update({ on_hand: trx.raw('on_hand - ?', [quantity]), reserved: trx.raw('reserved + ?', [quantity]) });
    if (held !== 1) throw await whyNot(trx, sku, quantity);
    await trx('reservation_lines').insert({ reservation_id: reservationId, line, sku, quantity });
  }
  const details = { reservationId, orderId, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) };
  return { output: { reservationId }, effect: { effect: 'stock.reserved', details } };
};

async function whyNot(trx: Knex, sku: string, quantity: number): Promise<Refused> {
  const row = await trx('skus').where({ sku }).first<{ on_hand: number } | undefined>('on_hand');
  if (!row) return new Refused('unknown_sku', `unknown sku: ${sku}`);
  return new Refused('sold_out', `sold out: ${quantity} of ${sku} asked, ${row.on_hand} there`);
}

const take: Work = async ({ trx, output }) => {
  const reservationId = await end(trx, output, { status: 'sold', goesTo: 'sold' });
  return { output: { reservationId }, effect: { effect: 'stock.taken', details: { reservationId } } };
};

const free: Work = async ({ trx, output }) => {
  const reservationId = await end(trx, output, { status: 'freed', goesTo: 'on_hand' });
  return { output: { reservationId }, effect: { effect: 'stock.freed', details: { reservationId } } };
};

interface Ending {
  readonly status: 'sold' | 'freed';
  readonly goesTo: 'sold' | 'on_hand';
}

async function end(trx: Knex, output: Json, { status, goesTo }: Ending): Promise<number> {
  const reservationId = fields(output, 'output').count('reservationId', Number.MAX_SAFE_INTEGER);
  const ended = await trx('reservations').where({ id: reservationId, status: 'reserved' }).update({ status });
  if (ended !== 1) throw new Error(`expected reservation ${reservationId} to be held`);
  const lines = await trx('reservation_lines')
    .where({ reservation_id: reservationId })
    .orderBy('line')
    .select<Line[]>('sku', 'quantity');
  for (const { sku, quantity } of lines) {
    const change = { reserved: trx.raw('reserved - ?', [quantity]), [goesTo]: trx.raw('?? + ?', [goesTo, quantity]) };
    const moved = await trx('skus').where({ sku }).update(change);
    if (moved !== 1) throw new Error(`expected a sku ${sku}`);
  }
  return reservationId;
}

const handlers = { reserve: { kind: 'tcc', ops: { try: reserve, confirm: take, cancel: free } } } as const;
