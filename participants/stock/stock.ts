import { type Branch, Participant, Refused, type Settle, Tcc } from 'concordat';
import type { Knex } from 'knex';
import { recordEffect } from '../effects.js';
import { fields, quantityMax } from '../fields.js';

export interface Wanted {
  readonly orderId: number;
  readonly lines: readonly WantedLine[];
}

export interface WantedLine {
  readonly sku: string;
  readonly quantity: number;
}

export interface Reserved {
  readonly reservationId: number;
}

/** The stock service: `reserve` holds goods, and then sells or frees them. */
@Participant('stock', { db: (service: StockService) => service.db })
export class StockService {
  readonly db: Knex;

  /** The database has the tables of `prepareStock`. */
  constructor(db: Knex) {
    this.db = db;
  }

  @Tcc({ confirm: 'take', cancel: 'free' })
  async reserve(input: Wanted, tx: Branch): Promise<Reserved> {
    const { orderId, lines } = readWanted(input);
    const { origin, xid, branch } = tx;
    const row = { origin, xid, branch, order_id: orderId, status: 'reserved' };
    const [inserted] = await tx.db('reservations').insert(row).returning<{ id: number }[]>('id');
    if (!inserted) throw new Error('expected the id of the new reservation');
    const reservationId = inserted.id;
    for (const [line, { sku, quantity }] of lines.entries()) {
      const held = await tx
        .db('skus')
        .where({ sku })
        .where('on_hand', '>=', quantity)
        .update({ on_hand: tx.db.raw('on_hand - ?', [quantity]), reserved: tx.db.raw('reserved + ?', [quantity]) });
      if (held !== 1) throw await whyNot(tx.db, sku, quantity);
      await tx.db('reservation_lines').insert({ reservation_id: reservationId, line, sku, quantity });
    }
    await recordEffect(tx, 'stock.reserved', { reservationId, orderId, lines: lines.map((line) => ({ ...line })) });
    return { reservationId };
  }

  /** Sells what is reserved. */
  async take(_input: Wanted, tx: Settle<Reserved>): Promise<void> {
    await end(tx, { status: 'sold', goesTo: 'sold' });
    await recordEffect(tx, 'stock.taken', { reservationId: tx.output.reservationId });
  }

  /** Puts what is reserved back on the shelf. */
  async free(_input: Wanted, tx: Settle<Reserved>): Promise<void> {
    await end(tx, { status: 'freed', goesTo: 'on_hand' });
    await recordEffect(tx, 'stock.freed', { reservationId: tx.output.reservationId });
  }
}

function readWanted(input: Wanted): Wanted {
  const order = fields(input);
  const orderId = order.count('orderId', Number.MAX_SAFE_INTEGER);
  const lines = order.list('lines', (line) => ({
    sku: line.text('sku'),
    quantity: line.count('quantity', quantityMax),
  }));
  return { orderId, lines };
}

async function whyNot(trx: Knex, sku: string, quantity: number): Promise<Refused> {
  const row = await trx('skus').where({ sku }).first<{ on_hand: number } | undefined>('on_hand');
  if (!row) return new Refused(`unknown sku: ${sku}`, { code: 'unknown_sku' });
  return new Refused(`sold out: ${quantity} of ${sku} asked, ${row.on_hand} there`, { code: 'sold_out' });
}

interface Ending {
  readonly status: 'sold' | 'freed';
  readonly goesTo: 'sold' | 'on_hand';
}

async function end({ db, output }: Settle<Reserved>, { status, goesTo }: Ending): Promise<void> {
  const { reservationId } = output;
  const ended = await db('reservations').where({ id: reservationId, status: 'reserved' }).update({ status });
  if (ended !== 1) throw new Error(`expected reservation ${reservationId} to be held`);
  const lines = await db('reservation_lines')
    .where({ reservation_id: reservationId })
    .orderBy('line')
    .select<WantedLine[]>('sku', 'quantity');
  for (const { sku, quantity } of lines) {
    const change = { reserved: db.raw('reserved - ?', [quantity]), [goesTo]: db.raw('?? + ?', [goesTo, quantity]) };
    const moved = await db('skus').where({ sku }).update(change);
    if (moved !== 1) throw new Error(`expected a sku ${sku}`);
  }
}
