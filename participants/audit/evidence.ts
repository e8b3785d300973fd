import { openReadOnly } from '../database.js';

/** Where the three services keep their data. */
export interface Databases {
  readonly order: string;
  readonly payment: string;
  readonly stock: string;
}

export type ServiceName = keyof Databases;

/** One row of a ledger. `id` grows within its service. */
export interface EffectRow {
  readonly service: ServiceName;
  readonly id: number;
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
  readonly op: string;
  readonly effect: string;
  readonly details: string;
}

export interface InboxRow {
  readonly service: ServiceName;
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
  readonly phase: 1 | 2;
  readonly op: string;
  readonly outcome: 'done' | 'refused' | 'empty' | null;
}

export interface AccountRow {
  readonly customer: string;
  readonly opening_cents: number;
  readonly balance_cents: number;
}

export interface PaymentRow {
  readonly service: ServiceName;
  readonly id: number;
  readonly customer: string;
  readonly amount_cents: number;
  readonly status: 'captured' | 'refunded';
}

export interface SkuRow {
  readonly sku: string;
  readonly received: number;
  readonly on_hand: number;
  readonly reserved: number;
  readonly sold: number;
}

/** One line of a reservation; `id` and `status` are the reservation's. */
export interface ReservationRow {
  readonly service: ServiceName;
  readonly id: number;
  readonly status: 'reserved' | 'sold' | 'freed';
  readonly sku: string;
  readonly quantity: number;
}

export interface OrderRow {
  readonly service: ServiceName;
  readonly id: number;
  readonly status: 'pending' | 'confirmed' | 'cancelled';
}

/** What the databases say, as plain rows: whatever is concluded is concluded from these. */
export interface Evidence {
  readonly effects: readonly EffectRow[];
  readonly inbox: readonly InboxRow[];
  readonly orders: readonly OrderRow[];
  readonly accounts: readonly AccountRow[];
  readonly payments: readonly PaymentRow[];
  readonly skus: readonly SkuRow[];
  readonly reservations: readonly ReservationRow[];
}

/** Reads the three databases; it writes nothing, and each is read in one transaction. The services may be running. */
export async function readEvidence(databases: Databases): Promise<Evidence> {
  const order = await read(databases, 'order', {
    orders: 'select id, status from orders order by id',
  });
  const payment = await read(databases, 'payment', {
    accounts: 'select customer, opening_cents, balance_cents from accounts order by customer',
    payments: 'select id, customer, amount_cents, status from payments order by id',
  });
  const stock = await read(databases, 'stock', {
    skus: 'select sku, received, on_hand, reserved, sold from skus order by sku',
    reservations: `select r.id, r.status, l.sku, l.quantity from reservation_lines l
                    join reservations r on r.id = l.reservation_id order by r.id, l.line`,
  });
  const all = [order, payment, stock];
  return {
    effects: all.flatMap(({ effects }) => effects as EffectRow[]),
    inbox: all.flatMap(({ inbox }) => inbox as InboxRow[]),
    orders: order.orders as OrderRow[],
    accounts: payment.accounts as AccountRow[],
    payments: payment.payments as PaymentRow[],
    skus: stock.skus as SkuRow[],
    reservations: stock.reservations as ReservationRow[],
  };
}

/** The queries' rows by their names, with the service's effects and inbox. */
async function read<Name extends string>(
  databases: Databases,
  service: ServiceName,
  queries: Readonly<Record<Name, string>>,
): Promise<Record<Name | 'effects' | 'inbox', unknown[]>> {
  const db = openReadOnly(databases[service]);
  const every = {
    effects: 'select id, origin, xid, branch, op, effect, details from effects order by id',
    inbox: 'select origin, xid, branch, phase, op, outcome from inbox order by origin, xid, branch, phase',
    ...queries,
  };
  try {
    return await db.transaction(async (trx) => {
      const rows: Record<string, unknown[]> = {};
      for (const [name, sql] of Object.entries(every)) {
        const found = (await trx.raw(sql)) as object[];
        rows[name] = found.map((row) => ({ service, ...row }));
      }
      return rows;
    });
  } finally {
    await db.destroy();
  }
}
