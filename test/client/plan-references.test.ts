/** Each wrong use is refused by the compiler where it can be, and throws where it cannot or when there is no compiler. */
import test from 'ava';
import { on, plan, type Ref, type Target } from '../../sdk/index.js';

interface Order {
  readonly orderId: number;
  readonly vip?: boolean;
  readonly note: string | null;
  readonly lines: readonly { readonly sku: string }[];
  readonly placed: Date;
  readonly 'total.cents': number;
}

interface Orders {
  create(input: { readonly customer: string; readonly at?: Date }): Promise<Order>;
}

interface Payments {
  charge(input: { readonly orderId: number; readonly sku?: string }): Promise<{ readonly paymentId: number }>;
}

const any: Target = { url: 'http://127.0.0.1:9/any', kind: 'saga' };
const { create } = on<Orders>('order');
const { charge } = on<Payments>('payment');
const ordered = plan('a').step('order', create, { customer: 'ann' });

const meaning =
  /^the reference to order(\.\w+)* .*; it stands for a value that is not there yet: put it, or a member of it, into the input as it is/;

test('a template literal', (t) => {
  t.throws(() => ordered.step('b', any, (s) => `order ${s.order.orderId}`), { message: meaning });
});

test('arithmetic and comparing', (t) => {
  // @ts-expect-error arithmetic on a reference
  t.throws(() => ordered.step('b', charge, (s) => ({ orderId: s.order.orderId * 2 })), { message: meaning });
  // @ts-expect-error a text instead of a number
  t.throws(() => ordered.step('b', charge, (s) => ({ orderId: s.order.orderId + 1 })), { message: meaning });
  // @ts-expect-error compared with a number
  t.throws(() => ordered.step('b', charge, (s) => ({ orderId: s.order.orderId > 5 ? 1 : 2 })), { message: meaning });
  // @ts-expect-error is never equal
  t.notThrows(() => ordered.step('b', charge, (s) => ({ orderId: s.order.orderId === 5 ? 1 : 2 })));
  t.throws(() => ordered.step('b', any, (s) => Number(s.order.orderId)), { message: meaning });
});

test('a condition, which only the compiler can refuse', (t) => {
  // @ts-expect-error is always true
  t.notThrows(() => ordered.step('b', charge, (s) => ({ orderId: s.order.vip ? 1 : 2 })));
});

test('truth, which JavaScript lets nobody notice: the plan is built as if the value were there', (t) => {
  const { steps } = ordered.step('b', any, (s) => [!s.order.vip, Boolean(s.order.vip)]);
  t.deepEqual(steps[1]?.input, [false, true]);
});

test('spreading, listing, searching, iterating', (t) => {
  // @ts-expect-error has more than its members
  t.throws(() => ordered.step('b', any, (s) => ({ ...s.order })), { message: meaning });
  // @ts-expect-error not iterable
  t.throws(() => ordered.step('b', any, (s) => [...s.order.lines]), { message: meaning });
  t.throws(() => ordered.step('b', any, (s) => Object.keys(s.order)), { message: meaning });
  t.throws(() => ordered.step('b', any, (s) => 'orderId' in s.order), { message: meaning });
  t.throws(() => ordered.step('b', any, (s) => JSON.stringify(s.order)), { message: meaning });
  // @ts-expect-error no methods
  t.throws(() => ordered.step('b', any, (s) => s.order.lines.map((line) => line.sku)), { message: meaning });
  t.throws(() => ordered.step('b', any, (s) => s.order.orderId.toString()), { message: meaning });
  t.throws(() => ordered.step('b', any, (s) => Object.assign(s.order, { orderId: 1 })), { message: meaning });
  t.throws(() => ordered.step('b', any, (s) => s.order instanceof Date), { message: meaning });
});

test('a reference after its function has ended, or in another plan', async (t) => {
  let kept: Ref<Order> | undefined;
  ordered.step('b', any, (s) => {
    kept = s.order;
    return s.order;
  });
  const late = kept;
  if (!late) return t.fail();
  const outside = /was used outside the input function of step b, which it was made for/;
  t.throws(() => late.orderId, { message: /was read after the input function of step b had ended/ });
  // @ts-expect-error a reference is no value
  t.throws(() => ordered.step('c', any, { a: late }), { message: outside });
  t.throws(() => ordered.step('c', any, (s) => [s.order, late]), { message: outside });
  t.throws(() => ordered.step('c', any, (s) => plan('other').step('x', any, () => s.order) && 1), {
    message: /outside/,
  });
  t.is(await late, late);
});

test('an input function that waits', (t) => {
  // @ts-expect-error a promise is no input
  t.throws(() => ordered.step('b', charge, async () => ({ orderId: 1 })), { message: /got a promise/ });
});

test('a key that a path cannot have', (t) => {
  t.throws(
    // @ts-expect-error holds a dot
    () => ordered.step('b', charge, (s) => ({ orderId: s.order['total.cents'] })),
    {
      message: /\["total\.cents"\]: a path is written with dots.*put the reference to order into the input as a whole/,
    },
  );
});

test('a reference in what is taken literally', (t) => {
  t.throws(() => ordered.step('b', any, (s) => ({ $value: s.order.orderId })), {
    message: /^step b: input\/\$value: an object whose only key is \$from or \$value is taken literally/,
  });
});

test('only steps that come before can be referenced', (t) => {
  const beside = ordered.step('beside', charge, { orderId: 1 }, { after: [] });
  // @ts-expect-error does not come before
  t.throws(() => beside.step('c', charge, (s) => ({ orderId: s.order.orderId })), {
    message: 'step c: order does not come before it or answers nothing; name it in `after`',
  });
  // @ts-expect-error a typo
  t.throws(() => beside.step('c', charge, (s) => ({ orderId: s.besides.paymentId })), {
    message: 'step c: expected an earlier step (beside), got "besides"',
  });
  const told = ordered.message('mail', any, 'x');
  // @ts-expect-error a message answers nothing
  t.throws(() => told.step('c', any, (s) => s.mail), { message: /mail does not come before it or answers nothing/ });
  t.notThrows(() => told.step('c', charge, (s) => ({ orderId: s.order.orderId })));
  t.throws(() => beside.step('c', any, (s) => ({ ...s })), { message: /take them by name \(beside\)/ });
  t.notThrows(() =>
    beside
      .step('c', charge, (s) => ({ orderId: s.beside.paymentId }), { after: ['beside', 'order'] })
      .step('d', charge, ({ order, c }) => ({ orderId: c.paymentId, sku: order.lines[0].sku })),
  );
});

test('the compiler tells wrong types, typos, taken ids and unknown steps', (t) => {
  // @ts-expect-error a typo in a member
  t.notThrows(() => ordered.step('b', charge, (s) => ({ orderId: s.order.orderld })));
  // @ts-expect-error a text or nothing is no number
  t.notThrows(() => ordered.step('b', charge, (s) => ({ orderId: s.order.note })));
  // @ts-expect-error what every function has is no member
  t.notThrows(() => ordered.step('b', charge, (s) => ({ orderId: 1, sku: s.order.name })));
  // @ts-expect-error a key that is needed is missing
  t.notThrows(() => ordered.step('b', charge, { ordrId: 1 }));
  // @ts-expect-error nor has a list its length yet
  t.notThrows(() => ordered.step('b', charge, (s) => ({ orderId: s.order.lines.length })));
  // @ts-expect-error the id is taken
  t.throws(() => ordered.step('order', create, { customer: 'bob' }));
  // @ts-expect-error no such step
  t.throws(() => ordered.step('b', create, { customer: 'bob' }, { after: ['ordr'] }));
  t.notThrows(() => ordered.step('b', create, (s) => ({ customer: s.order.lines[0].sku, at: s.order.placed })));
});
