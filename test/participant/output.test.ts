/** What a handler returned becomes plain JSON: the same whether it is copied or goes through text. */
import test from 'ava';
import { toOutput } from '../../sdk/participant/output.js';
import { copyPlain } from '../../sdk/protocol/json.js';
import { limits } from '../../sdk/protocol/limits.js';

const roomy = () => ({ bytes: limits.outcomeBodyBytes });
const nested = (levels: number): unknown => (levels === 0 ? 'x' : { in: nested(levels - 1) });

const plain: readonly unknown[] = [
  'text',
  '\u0007 \ud800 "é"',
  0,
  -0,
  1.5e300,
  true,
  [],
  {},
  [1, ['a', null], { b: false }],
  { a: undefined, b: { c: null, 2: 'two', 1: 'one' } },
  { constructor: 'c', toString: 't', hasOwnProperty: 1 },
  nested(16),
];

test('what JSON holds as it is is copied as JSON text would carry it', (t) => {
  for (const value of plain) {
    const expected: unknown = JSON.parse(JSON.stringify(value));
    t.deepEqual(copyPlain(value, roomy()), expected as never);
    t.deepEqual(Object.keys(Object(toOutput(value, 'w'))), Object.keys(Object(expected)));
  }
  t.true(Object.is(toOutput(-0, 'w'), 0));
  const given = { list: [{ a: 1 }] };
  const output = toOutput(given, 'w') as typeof given;
  t.not(output.list, given.list);
  t.not(output.list[0], given.list[0]);
});

test('what JSON would change goes through text', (t) => {
  class Money {
    readonly cents = 5;
  }
  const circular: Record<string, unknown> = {};
  circular.self = [circular, circular];
  const others: readonly unknown[] = [
    new Date(0),
    { at: new Date(0) },
    new Money(),
    Object.create(null),
    [undefined],
    new Array(2),
    { toJSON: () => 'said so' },
    { n: Number.NaN },
    1n,
    Symbol('s'),
    () => 1,
    new Map(),
    JSON.parse('{"__proto__": 1}'),
    nested(17),
    circular,
  ];
  for (const value of others) t.is(copyPlain(value, roomy()), undefined);
  t.deepEqual(toOutput({ at: new Date(0) }, 'w'), { at: '1970-01-01T00:00:00.000Z' });
  t.deepEqual(toOutput(new Money(), 'w'), { cents: 5 });
  t.deepEqual(toOutput([undefined], 'w'), [null]);
  t.deepEqual(toOutput(nested(17), 'w'), nested(17) as never);
});

test('what JSON cannot hold is refused, naming the handler', (t) => {
  for (const value of [{ n: Number.NaN }, { n: 1n }, new Map(), { f: () => 1 }, JSON.parse('{"__proto__": 1}')])
    t.throws(() => toOutput(value, "handler 'h'"), {
      instanceOf: TypeError,
      message: /^handler 'h': expected to return/,
    });
});

test('an answer is counted in bytes where it may be too large', (t) => {
  const most = 'x'.repeat(limits.outcomeBodyBytes - 2);
  t.is(toOutput(most, 'w'), most);
  t.throws(() => toOutput(`${most}x`, 'w'), { message: /at most 1048576 bytes of JSON, got 1048577/ });
  for (const value of ['\u0007\ud800é'.repeat(100), Array.from({ length: 200 }, () => -1.2345678901234567e-100)]) {
    const room = roomy();
    t.not(copyPlain(value, room), undefined);
    t.true(limits.outcomeBodyBytes - room.bytes >= Buffer.byteLength(JSON.stringify(value)));
  }
});
