import test from 'ava';
import fc from 'fast-check';
import { on, plan } from '../../sdk/index.js';
import type { Branch, Settle } from '../../sdk/participant/branch.js';
import type { Json } from '../../sdk/protocol/json.js';
import { fillIn, referencesIn } from '../../sdk/protocol/references.js';
import { startServing } from '../http/serving.js';
import { clientOf } from './clients.js';

interface Order {
  readonly orderId: number;
  readonly totalCents: number;
  readonly lines: readonly { readonly sku: string }[];
}

declare class OrderService {
  create(input: { readonly customer: string }, tx: Branch): Promise<Order>;
  cancel(input: { readonly customer: string }, tx: Settle<Order>): Promise<void>;
}

interface Payments {
  charge(input: { readonly orderId: number; readonly amountCents: number; readonly note?: string }): Promise<{
    readonly paymentId: number;
  }>;
}

interface Mail {
  send(input: { readonly text: string; readonly paymentId: number }): Promise<void>;
}

const order = on<OrderService>('order');
const payment = on<Payments>({ url: 'http://127.0.0.1:9/pay/', kind: 'tcc' });

const ordered = plan('checkout').step('order', order.create, { customer: 'ann' });
const checkout = ordered.step('payment', payment.charge, (s) => ({
  orderId: s.order.orderId,
  amountCents: s.order.totalCents,
  note: s.order.lines[0].sku,
}));

test('a plan is the body of its request', (t) => {
  t.deepEqual(JSON.parse(JSON.stringify(checkout)), {
    name: 'checkout',
    steps: [
      { id: 'order', participant: 'order', handler: 'create', input: { customer: 'ann' } },
      {
        id: 'payment',
        url: 'http://127.0.0.1:9/pay/charge',
        kind: 'tcc',
        input: {
          orderId: { $from: 'order.orderId' },
          amountCents: { $from: 'order.totalCents' },
          note: { $from: 'order.lines.0.sku' },
        },
      },
    ],
  });
  t.deepEqual(Object.keys({ ...checkout }), ['name', 'steps']);
});

test('a plan never changes', (t) => {
  t.is(ordered.steps.length, 1);
  t.throws(() => Object.assign(checkout, { name: 'other' }), { instanceOf: TypeError });
  t.throws(() => (checkout.steps as unknown[]).push({}), { instanceOf: TypeError });
});

test('options of steps and of the plan are in the body', (t) => {
  const whole = plan('a')
    .step('first', { url: 'http://127.0.0.1:9/x', kind: 'saga' }, 1, { retry: { attemptsMax: 3 }, timeoutMs: 500 })
    .step('beside', order.create, { customer: 'bob' }, { after: [] })
    .step('last', order.create, { customer: 'cy' }, { after: ['first', 'beside'], pivot: true })
    .message('mail', on<Mail>('mail').send, { text: 'x', paymentId: 1 }, { deliverAt: new Date(0), key: 'ann' })
    .with({ xid: 'x1', timeoutMs: 5000, onTimeout: 'ask', check: on<Payments>('shop').charge })
    .with({ businessKey: 'order-7', metadata: { channel: 'web' } });
  t.deepEqual(JSON.parse(JSON.stringify(whole)), {
    name: 'a',
    xid: 'x1',
    timeoutMs: 5000,
    onTimeout: 'ask',
    check: { participant: 'shop', handler: 'charge' },
    businessKey: 'order-7',
    metadata: { channel: 'web' },
    steps: [
      {
        id: 'first',
        url: 'http://127.0.0.1:9/x',
        kind: 'saga',
        input: 1,
        retry: { attemptsMax: 3 },
        timeoutMs: 500,
      },
      { id: 'beside', participant: 'order', handler: 'create', input: { customer: 'bob' }, after: [] },
      {
        id: 'last',
        participant: 'order',
        handler: 'create',
        input: { customer: 'cy' },
        after: ['first', 'beside'],
        pivot: true,
      },
      {
        id: 'mail',
        participant: 'mail',
        handler: 'send',
        kind: 'message',
        input: { text: 'x', paymentId: 1 },
        deliverAt: '1970-01-01T00:00:00.000Z',
        key: 'ann',
      },
    ],
  });
});

test('I1 references carry the values of earlier steps, through a real coordinator', async (t) => {
  const { url, sent } = await startServing(t, {
    kinds: { 'order/create': 'saga' },
    answer: ({ body }) => {
      const placed: Json = { orderId: 7, totalCents: 900, lines: [{ sku: 'tea' }] };
      return { kind: 'done', output: body.id === 'order' ? placed : { paymentId: 1 } };
    },
  });
  const view = await clientOf(t, url).submit(checkout, { waitSeconds: 10 });
  if (view.status !== 'committed') return t.fail(view.status);
  const receipt: { readonly paymentId: number } = view.result.payment;
  t.deepEqual(receipt, { paymentId: 1 });
  t.is(view.result.order.orderId, 7);
  t.deepEqual(
    sent.map(({ body }) => body.input),
    [{ customer: 'ann' }, { orderId: 7, amountCents: 900, note: 'tea' }, { orderId: 7, amountCents: 900, note: 'tea' }],
  );
});

test('what JSON makes of an input is what is sent', (t) => {
  const input = {
    at: new Date(0),
    left: undefined,
    list: [undefined, Number.NaN, new Date(1)],
    boxed: new String('x'),
    method: () => 1,
    nested: { toJSON: () => ({ a: 1, b: undefined }) },
  };
  t.deepEqual(inputOf(input), JSON.parse(JSON.stringify(input)));
  t.is(inputOf(undefined), undefined);
});

const inputOf = (input: unknown): unknown =>
  plan('a').step('a', { url: 'http://127.0.0.1:9/', kind: 'saga' }, input as string).steps[0]?.input;

const keys = fc.oneof(fc.constantFrom('$from', '$value', 'a', 'b.c', ''), fc.string());
const anyJson = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: 'medium' },
    fc.constantFrom(null, true, 0, -1.5, 'order.orderId'),
    fc.string(),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(keys, tie('json'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).json;

test('data never becomes a reference', (t) => {
  fc.assert(
    fc.property(anyJson, (data) => {
      const encoded = inputOf(data) as Json;
      t.deepEqual([...referencesIn(encoded)], []);
      const filled = fillIn(encoded, () => 'STOLEN', 1e6);
      t.deepEqual('value' in filled ? filled.value : undefined, data as Json);
    }),
    { numRuns: 500 },
  );
});

test('data beside a reference stays data', (t) => {
  const [, step] = ordered.step('next', { url: 'http://127.0.0.1:9/', kind: 'saga' }, (s) => ({
    real: s.order.orderId,
    whole: s.order,
    fake: { $from: 'order.orderId' },
    faker: { $value: { $from: 'order.orderId' } },
  })).steps;
  const filled = fillIn(step?.input as Json, () => ({ orderId: 7 }), 1e6);
  t.deepEqual('value' in filled && filled.value, {
    real: 7,
    whole: { orderId: 7 },
    fake: { $from: 'order.orderId' },
    faker: { $value: { $from: 'order.orderId' } },
  });
});

test('what cannot be sent is told with its place', (t) => {
  const circle: Record<string, unknown> = {};
  circle.again = circle;
  t.throws(() => inputOf(circle), { message: /levels of nesting, got more, or a circle/ });
  t.throws(() => inputOf({ a: [1n] }), { message: /^step a: input\/a\/0: expected what JSON has, got a bigint/ });
  t.throws(() => inputOf({ a: Promise.resolve(1) }), { message: /^step a: input\/a: expected a value, got a promise/ });
});

test('a mistake in the shape of a plan is told at once', (t) => {
  const untyped = ordered as unknown as { step(...all: unknown[]): unknown; message(...all: unknown[]): unknown };
  const target = { url: 'http://127.0.0.1:9/', kind: 'saga' };
  t.throws(() => plan(''), { message: /^name: expected a text/ });
  t.throws(() => untyped.step('order', target, 1), { message: 'step order: a step of this plan has this id already' });
  t.throws(() => untyped.step('_x', target, 1), { message: /^step _x: expected as id a letter/ });
  t.throws(() => untyped.step('b', target, 1, { after: ['ordr'] }), {
    message: 'step b: after: expected ids of steps added before (order), got "ordr"',
  });
  t.throws(() => untyped.step('b', target, 1, { timeoutMS: 5 }), {
    message: 'step b: expected no options but after, retry, timeoutMs, pivot, got "timeoutMS"',
  });
  t.throws(() => untyped.step('b', () => 1, 1), { message: /^step b: expected where it goes, .*, got a function$/ });
  t.throws(() => untyped.step('b', { url: 'http://127.0.0.1:9/' }, 1), { message: /expected where it goes/ });
  t.throws(() => on<Payments>('9'), { message: /^participant: expected a letter/ });
  t.throws(() => on<Payments>({ url: 'nowhere', kind: 'saga' }), { message: /^url: expected one such as/ });
});

test('a plan may be written by hand, and a typo in it is told by the compiler', async (t) => {
  const { url } = await startServing(t);
  const client = clientOf(t, url);
  const step = { id: 'a', kind: 'saga', url: 'http://127.0.0.1:9/a' } as const;
  const { status } = await client.submit({ name: 'a', steps: [step] }, { waitSeconds: 10 });
  t.is(status, 'committed');
  // @ts-expect-error no such field
  await t.throwsAsync(client.submit({ name: 'a', steps: [step], timeoutMS: 5 }), { message: /timeoutMS/ });
});
