import type { Evidence } from './evidence.js';
import type { Finding } from './finding.js';

/** I9: no money and no goods appear or vanish, and nothing is negative. True at every moment, not only at the end. */
export function conserved(evidence: Evidence): Finding {
  const { accounts, skus, orders, payments, reservations } = evidence;
  return {
    invariant: 'I9 conserved',
    checked: accounts.length + skus.length + orders.length + payments.length + reservations.length,
    violations: [...moneyAddsUp(evidence), ...goodsAddUp(evidence), ...ledgerAgrees(evidence)],
  };
}

function moneyAddsUp({ accounts, payments }: Evidence): string[] {
  return accounts.flatMap(({ customer, opening_cents: opening, balance_cents: balance }) => {
    const theirs = payments.filter((payment) => payment.customer === customer && payment.status === 'captured');
    const captured = sum(theirs.map((payment) => payment.amount_cents));
    if (balance < 0) return [`account ${customer}: ${balance} cents`];
    if (balance + captured === opening) return [];
    return [`account ${customer}: opened with ${opening} cents, has ${balance}, and ${captured} were captured`];
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
  'stock.reserved': 'reserved',
  'stock.taken': 'sold',
  'stock.freed': 'freed',
};

/** Each order, payment and reservation is in the state that the last effect upon it left. */
function ledgerAgrees({ effects, orders, payments, reservations }: Evidence): string[] {
  const byLedger = new Map<string, string>();
  for (const { service, effect, details } of effects) {
    const ids = JSON.parse(details) as { orderId?: number; paymentId?: number; reservationId?: number };
    const id = { order: ids.orderId, payment: ids.paymentId, stock: ids.reservationId }[service];
    const key = `${service} ${id}`;
    // The books of an order that was cancelled are closed, whatever is undone later.
    if (byLedger.get(key) !== 'cancelled') byLedger.set(key, stateAfter[effect] ?? effect);
  }
  const byRows = new Map<string, string>();
  for (const row of [...orders, ...payments, ...reservations]) byRows.set(`${row.service} ${row.id}`, row.status);
  const keys = new Set([...byLedger.keys(), ...byRows.keys()]);
  return [...keys]
    .filter((key) => byLedger.get(key) !== byRows.get(key))
    .map((key) => `${key}: ${byRows.get(key) ?? 'not there'}, by the ledger ${byLedger.get(key) ?? 'not there'}`);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
