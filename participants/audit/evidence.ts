import { openReadOnly } from '../database.js';

/** Where the three services keep their data, and the payment provider if there is one. */
export interface Databases {
  readonly order: string;
  readonly payment: string;
  readonly stock: string;
  readonly provider?: string | undefined;
}

export type ServiceName = 'order' | 'payment' | 'stock';

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

/** What the fence of a service recorded of one phase of a branch. */
export interface FenceRow {
  readonly service: ServiceName;
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
  readonly phase: 1 | 2;
  readonly op: string;
  readonly outcome: 'started' | 'pending' | 'done' | 'refused' | 'empty';
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

/** A charge in the provider's books, with the branch of the payment service that asked for it. */
export interface ChargeRow {
  readonly service: 'payment';
  readonly origin: string;
  readonly xid: string;
  readonly branch: number;
  readonly id: number;
  readonly customer: string;
  readonly amount_cents: number;
  readonly status: 'processing' | 'captured' | 'declined' | 'returned' | 'void';
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
  readonly fence: readonly FenceRow[];
  /** The payment service's, read again after the provider's books: what the provider did was begun by then. */
  readonly fenceLater: readonly FenceRow[];
  readonly orders: readonly OrderRow[];
  readonly accounts: readonly AccountRow[];
  readonly payments: readonly PaymentRow[];
  readonly skus: readonly SkuRow[];
  readonly reservations: readonly ReservationRow[];
  readonly charges: readonly ChargeRow[];
  readonly providerAccounts: readonly AccountRow[];
}

/** Reads the databases; it writes nothing, and each is read in one transaction. The services may be running. */
export async function readEvidence(databases: Databases): Promise<Evidence> {
  const order = await readService(databases.order, 'order', {
    orders: 'select id, status from orders order by id',
  });
  const payment = await readService(databases.payment, 'payment', {
    accounts: 'select customer, opening_cents, balance_cents from accounts order by customer',
    payments: 'select id, customer, amount_cents, status from payments order by id',
  });
  const stock = await readService(databases.stock, 'stock', {
    skus: 'select sku, received, on_hand, reserved, sold from skus order by sku',
    reservations: `select r.id, r.status, l.sku, l.quantity from reservation_lines l
                    join reservations r on r.id = l.reservation_id order by r.id, l.line`,
  });
  const provider = await readProvider(databases.provider);
  const later = await read(databases.payment, 'payment', { fence: fenceQuery });
  const all = [order, payment, stock];
  return {
    effects: [...all.flatMap(({ effects }) => effects as EffectRow[]), ...(provider.effects as EffectRow[])],
    fence: all.flatMap(({ fence }) => fence as FenceRow[]),
    fenceLater: later.fence as FenceRow[],
    orders: order.orders as OrderRow[],
    accounts: payment.accounts as AccountRow[],
    payments: payment.payments as PaymentRow[],
    skus: stock.skus as SkuRow[],
    reservations: stock.reservations as ReservationRow[],
    charges: provider.charges as ChargeRow[],
    providerAccounts: provider.accounts as AccountRow[],
  };
}

type Queries<Name extends string> = Readonly<Record<Name, string>>;
type Rows<Name extends string> = Record<Name, unknown[]>;

/** The queries' rows by their names, with the service's effects and fence. */
const readService = <Name extends string>(file: string, service: ServiceName, queries: Queries<Name>) =>
  read(file, service, {
    effects: 'select id, origin, xid, branch, op, effect, details from effects order by id',
    fence: fenceQuery,
    ...queries,
  });

const fenceQuery =
  'select origin, xid, branch, phase, op, outcome from concordat_fence order by origin, xid, branch, phase';

const branchOfCharge = ['origin', 'xid', 'branch'].map((name) => `c.metadata ->> '${name}' as ${name}`).join(', ');

/** What the provider did counts as an effect of the payment service, which asked for it. */
const readProvider = async (file: string | undefined): Promise<Rows<'effects' | 'charges' | 'accounts'>> =>
  file === undefined
    ? { effects: [], charges: [], accounts: [] }
    : read(file, 'payment', {
        effects: `select m.id, ${branchOfCharge},
                    case m.what when 'charged' then 'action' else 'compensate' end as op,
                    case m.what when 'charged' then 'payment.transferred' else 'payment.returned' end as effect,
                    json_object('chargeId', c.id) as details
                  from movements m join charges c on c.id = m.charge_id order by m.id`,
        charges: `select ${branchOfCharge}, c.id, c.customer, c.amount_cents, c.status from charges c order by c.id`,
        accounts: 'select customer, opening_cents, balance_cents from accounts order by customer',
      });

async function read<Name extends string>(
  file: string,
  service: ServiceName,
  queries: Queries<Name>,
): Promise<Rows<Name>> {
  const db = openReadOnly(file);
  try {
    return await db.transaction(async (trx) => {
      const rows: Record<string, unknown[]> = {};
      for (const [name, sql] of Object.entries<string>(queries)) {
        const found = (await trx.raw(sql)) as object[];
        rows[name] = found.map((row) => ({ service, ...row }));
      }
      return rows as Rows<Name>;
    });
  } finally {
    await db.destroy();
  }
}
