import type { AccountRow, EffectRow, Evidence } from './evidence.js';
import type { Finding } from './finding.js';

/** I9: no money and no goods appear or vanish, and nothing is negative. True at every moment, not only at the end. */
export function conserved(evidence: Evidence): Finding {
  const { accounts, skus, orders, payments, reservations, providerAccounts, charges } = evidence;
  const all = [accounts, skus, orders, payments, reservations, providerAccounts, charges];
  return {
    invariant: 'I9 conserved',
    checked: sum(all.map(({ length }) => length)),
    violations: [
      ...moneyAddsUp('account', accounts, payments),
      ...moneyAddsUp("the provider's account", providerAccounts, charges),
      ...goodsAddUp(evidence),
      ...ledgerAgrees(evidence),
    ],
  };
}

interface Taking {
  readonly customer: string;
  readonly amount_cents: number;
  readonly status: string;
}

function moneyAddsUp(where: string, accounts: readonly AccountRow[], takings: readonly Taking[]): string[] {
  return accounts.flatMap(({ customer, opening_cents: opening, balance_cents: balance }) => {
    const theirs = takings.filter((taking) => taking.customer === customer && taking.status === 'captured');
    const captured = sum(theirs.map((taking) => taking.amount_cents));
    if (balance < 0) return [`${where} of ${customer}: ${balance} cents`];
    if (balance + captured === opening) return [];
    return [`${where} of ${customer}: opened with ${opening} cents, has ${balance}, and ${captured} were captured`];
  });
}

function goodsAddUp({ skus, reservations }: Evidence): string[] {
  return skus.flatMap(({ sku, received, on_hand: onHand, reserved, sold }) => {
    const lines = reservations.filter((line) => line.sku === sku);
    const by = (status: string) => sum(lines.filter((line) => line.status === status).map((line) => line.quantity));
    const found: string[] = [];
    const want = (holds: boolean, text: string) => {
      if (!holds) found.push(`sku ${sku}: ${text}`);
    };
    want(Math.min(onHand, reserved, sold) >= 0, `${onHand} on hand, ${reserved} reserved, ${sold} sold`);
    want(
      onHand + reserved + sold === received,
      `received ${received}, but ${onHand} on hand + ${reserved} reserved + ${sold} sold`,
    );
    want(by('reserved') === reserved, `${reserved} reserved, by the reservations ${by('reserved')}`);
    want(by('sold') === sold, `${sold} sold, by the reservations ${by('sold')}`);
    return found;
  });
}

/** The state that an order, a payment or a reservation has after an effect. */
const stateAfter: Readonly<Record<string, string>> = {
  'order.created': 'pending',
  'order.completed': 'confirmed',
  'order.reopened': 'pending',
  'order.cancelled': 'cancelled',
  'payment.charged': 'captured',
  'payment.refunded': 'refunded',
  'payment.transferred': 'captured',
  'payment.returned': 'returned',
  'stock.reserved': 'reserved',
  'stock.taken': 'sold',
  'stock.freed': 'freed',
};

interface Ids {
  readonly orderId?: number;
  readonly paymentId?: number;
  readonly reservationId?: number;
  readonly chargeId?: number;
}

/** What the effect was upon. */
function subjectOf({ service, details }: EffectRow): string {
  const { orderId, paymentId, reservationId, chargeId } = JSON.parse(details) as Ids;
  if (chargeId !== undefined) return `charge ${chargeId}`;
  return `${service} ${{ order: orderId, payment: paymentId, stock: reservationId }[service]}`;
}

/** Each order, payment, reservation and charge is in the state that the last effect upon it left. */
function ledgerAgrees({ effects, orders, payments, reservations, charges }: Evidence): string[] {
  const byLedger = new Map<string, string>();
  for (const row of effects) {
    const key = subjectOf(row);
    // The books of an order that was cancelled are closed, whatever is undone later.
    if (byLedger.get(key) !== 'cancelled') byLedger.set(key, stateAfter[row.effect] ?? row.effect);
  }
  const moved = charges.filter(({ status }) => status === 'captured' || status === 'returned');
  const byRows = new Map<string, string>();
  for (const row of [...orders, ...payments, ...reservations]) byRows.set(`${row.service} ${row.id}`, row.status);
  for (const { id, status } of moved) byRows.set(`charge ${id}`, status);
  const keys = new Set([...byLedger.keys(), ...byRows.keys()]);
  return [...keys]
    .filter((key) => byLedger.get(key) !== byRows.get(key))
    .map((key) => `${key}: ${byRows.get(key) ?? 'not there'}, by the ledger ${byLedger.get(key) ?? 'not there'}`);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
