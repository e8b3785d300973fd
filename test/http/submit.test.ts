import test from 'ava';
import fc from 'fast-check';
import { allowList } from '../../coordinator/dispatch/allow.js';
import { type OpenReading, readBranch, readOpen } from '../../coordinator/http/submit.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { defaults } from '../../sdk/protocol/limits.js';

const policy = {
  retry: defaults.retry,
  callMs: 10_000,
  backoff: defaults.backoff,
  parkAfterMs: 1,
  pendingForMs: 1,
  crashesMax: 10,
};
const reading: OpenReading = {
  allow: allowList([]),
  directory: {
    kindOf: (participant, handler) => (participant === 'stock' && handler === 'take' ? 'tcc' : undefined),
    answersCheck: (participant) => participant === 'stock',
  },
  policy,
  bodyBytes: 1024 * 1024,
  origin: 'o1',
  now: 1_000,
  traceId: 'a'.repeat(32),
};
const saga = (id: string, more: object = {}) => ({ id, kind: 'saga', url: 'http://127.0.0.1:9/x', ...more });
const open = (body: object) => readOpen({ name: 'x', ...body }, reading);
const branches = (...steps: object[]) => open({ steps }).request.branches;

test('a step comes after the one before, unless it says otherwise', (t) => {
  const found = branches(saga('a'), saga('b'), saga('c', { after: [] }), saga('d', { after: ['b', 'c'] }));
  t.deepEqual(
    found.map(({ after }) => after),
    [[], [1], [], [2, 3]],
  );
});

test('steps may be listed in any order', (t) => {
  const found = branches(saga('last', { after: ['first'] }), saga('first', { after: [] }));
  t.deepEqual(
    found.map(({ after }) => after),
    [[2], []],
  );
});

test('only plans that hold something have a deadline by default', (t) => {
  const deadlineOf = (body: object) => open(body).request.deadlineAt;
  t.is(deadlineOf({ steps: [saga('a')] }), null);
  t.is(deadlineOf({ steps: [saga('a', { kind: 'message' })] }), null);
  for (const kind of ['tcc', 'xa', 'at']) t.is(deadlineOf({ steps: [saga('a', { kind })] }), 61_000);
  t.is(deadlineOf({}), 61_000);
  t.is(deadlineOf({ timeoutMs: 5 }), 1_005);
});

test('the kind of a registered participant is known, and another one is refused', (t) => {
  const target = { participant: 'stock', handler: 'take' };
  t.is(branches({ id: 'a', ...target })[0]?.kind, 'tcc');
  const error = t.throws(() => branches({ id: 'a', kind: 'saga', ...target }), { instanceOf: ConcordatError });
  t.is(error?.details[0]?.pointer, '/steps/0/kind');
});

test('only an input with something to fill in is marked as a template', (t) => {
  const marks = branches(
    saga('a', { input: { price: '$from' } }),
    saga('b', { input: { deep: [{ $from: 'a.x.0' }] } }),
    saga('c', { input: { $value: { $from: 'z' } } }),
  ).map(({ templated }) => templated);
  t.deepEqual(marks, [undefined, true, true]);
});

test('what a retry leaves out is the default', (t) => {
  const [branch] = branches(saga('a', { retry: { attemptsMax: 3, maxMs: 50 } }));
  t.deepEqual(branch?.retry, { attemptsMax: 3, initialMs: 50, maxMs: 50, factor: 2 });
});

test('E2 the fingerprint is the same whatever the xid and the order of the keys, and no other', (t) => {
  const print = (body: object) => open(body).request.fingerprint;
  const base = print({ steps: [saga('a', { input: { x: 1, y: 2 } })] });
  t.is(print({ xid: 'other', steps: [saga('a', { input: { y: 2, x: 1 } })] }), base);
  t.not(print({ steps: [saga('a', { input: { x: 1, y: 3 } })] }), base);
  t.not(print({ timeoutMs: 1000, steps: [saga('a', { input: { x: 1, y: 2 } })] }), base);
});

test('a pivot with all others before or after it is taken', (t) => {
  const found = branches(saga('a'), saga('b', { after: [] }), saga('p', { after: ['a', 'b'], pivot: true }), saga('c'));
  t.deepEqual(
    found.map(({ pivot }) => pivot),
    [undefined, undefined, true, undefined],
  );
});

test('a branch has no place in a plan', (t) => {
  const error = t.throws(() => readBranch(saga('a', { after: [] }), reading), { instanceOf: ConcordatError });
  t.is(error?.details[0]?.pointer, '/after');
  t.like(readBranch(saga('a', { input: { $from: 'x' } }), reading), { after: [], templated: undefined });
});

test('J8 a plan with too many links is refused before anything walks it', (t) => {
  const dense = Array.from({ length: 200 }, (_, index) =>
    saga(`s${index}`, { after: Array.from({ length: index }, (_, earlier) => `s${earlier}`) }),
  );
  const error = t.throws(() => branches(...dense), { instanceOf: ConcordatError });
  t.deepEqual(error?.details, [
    { pointer: '/steps', message: 'expected at most 10000 entries of after in all, got 19900' },
  ]);
});

test('J8 the largest plans are read in no time', (t) => {
  const wide = Array.from({ length: 1000 }, (_, index) =>
    saga(`s${index}`, {
      after: Array.from({ length: Math.min(index, 10) }, (_, back) => `s${index - 1 - back}`),
      input: index > 0 ? { $from: 's0' } : null,
      ...(index === 500 && { pivot: true }),
    }),
  );
  const begin = process.cpuUsage();
  t.is(branches(...wide).length, 1000);
  const { user } = process.cpuUsage(begin);
  t.true(user < 1_500_000, `${user} us`);
});

/** Bodies that are nearly right, so that every rule is met. */
const nearly = fc.record(
  {
    name: fc.oneof(fc.constant('x'), fc.jsonValue()),
    xid: fc.oneof(fc.string(), fc.jsonValue()),
    onTimeout: fc.constantFrom('ask', 'rollback', 7),
    check: fc.oneof(fc.constant({ url: 'http://127.0.0.1/c' }), fc.jsonValue()),
    metadata: fc.jsonValue(),
    steps: fc.array(
      fc.record(
        {
          id: fc.constantFrom('a', 'b', 'c', 'd', '_e', 'toString'),
          kind: fc.constantFrom('saga', 'tcc', 'message', 'x'),
          url: fc.oneof(fc.constant('http://127.0.0.1:9/x'), fc.webUrl(), fc.string()),
          participant: fc.constantFrom('stock', 'nobody'),
          handler: fc.constantFrom('take', 'constructor'),
          input: fc.oneof(fc.jsonValue(), fc.record({ $from: fc.constantFrom('a', 'b.x', 'toString.x', '', '.') })),
          after: fc.array(fc.constantFrom('a', 'b', 'c', 'toString'), { maxLength: 3 }),
          pivot: fc.boolean(),
          key: fc.string(),
          deliverAt: fc.oneof(fc.constant('2030-01-01T00:00:00Z'), fc.string()),
          retry: fc.oneof(fc.record({ attemptsMax: fc.integer(), maxMs: fc.nat() }), fc.jsonValue()),
        },
        { requiredKeys: ['id'] },
      ),
      { maxLength: 5 },
    ),
  },
  { requiredKeys: ['name', 'steps'] },
);

test('whatever comes is read or refused with findings, and nothing else happens', (t) => {
  const isFine = (body: unknown): boolean => {
    try {
      const { request } = readOpen(body, reading);
      return request.branches.every((branch, index) => branch.after.every((number) => number !== index + 1));
    } catch (error) {
      return error instanceof ConcordatError && error.details.length > 0;
    }
  };
  fc.assert(fc.property(fc.oneof(nearly, fc.jsonValue()), isFine), { numRuns: 2000 });
  t.pass();
});
