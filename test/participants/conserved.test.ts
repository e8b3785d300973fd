import test from 'ava';
import fc from 'fast-check';
import { conserved } from '../../participants/audit/conserved.js';
import { readEvidence } from '../../participants/audit/evidence.js';
import { once } from '../../participants/audit/once.js';
import { paired } from '../../participants/audit/paired.js';
import { send, startService } from './shop.js';

const xid = fc.integer({ min: 1, max: 4 }).map((n) => `x${n}`);
const customer = fc.constantFrom('ann', 'bob', 'cleo', 'nobody');
const sku = fc.constantFrom('tea', 'cup', 'kettle', 'nothing');
const lines = fc.array(fc.record({ sku, quantity: fc.integer({ min: 0, max: 4 }) }), { maxLength: 3 });

const command = fc.oneof(
  fc.record({
    name: fc.constant('payment' as const),
    handler: fc.constant('charge'),
    op: fc.constantFrom('action', 'compensate'),
    xid,
    input: fc.record({ customer, orderId: fc.constant(1), amountCents: fc.integer({ min: -1, max: 6000 }) }),
  }),
  fc.record({
    name: fc.constant('stock' as const),
    handler: fc.constant('reserve'),
    op: fc.constantFrom('try', 'confirm', 'cancel'),
    xid,
    input: fc.record({ orderId: fc.constant(1), lines }),
  }),
);

test('I5 I7 I9 C1 D5 whatever commands come, in whatever order and at once, money and stock add up', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(command, { minLength: 1, maxLength: 6 }), { maxLength: 5 }), async (bursts) => {
      const order = await startService(t, 'order');
      const payment = await startService(t, 'payment');
      const stock = await startService(t, 'stock');
      for (const burst of bursts) {
        await Promise.all(
          burst.map(({ name, handler, op, ...rest }) =>
            send((name === 'payment' ? payment : stock).url, handler, op, rest),
          ),
        );
      }
      const evidence = await readEvidence({ order: order.db, payment: payment.db, stock: stock.db });
      for (const finding of [once(evidence), paired(evidence), conserved(evidence)]) {
        if (finding.violations.length > 0) throw new Error(`${finding.invariant}: ${finding.violations.join('; ')}`);
      }
    }),
    { numRuns: 25 },
  );
  t.pass();
});
