import test from 'ava';
import { median, quantile, show, table } from './numbers.js';
import { readOptions, UsageError } from './options.js';
import { askedOf, rowsOf } from './report.js';
import type { Point, Round } from './round.js';
import { letterOf, planOf, wrongEffects } from './work.js';

test('a quantile is the value below which that share lies', (t) => {
  const sorted = Array.from({ length: 100 }, (_, i) => i);
  t.deepEqual([quantile(sorted, 0.5), quantile(sorted, 0.99), quantile([7], 0.99)], [50, 99, 7]);
  t.is(quantile([], 0.5), Number.NaN);
});

test('numbers are shown with three digits, what was not measured as a dash', (t) => {
  t.deepEqual([0, 0.07142, 1.5, 42.06, 9900.4, Number.NaN, undefined].map(show), [
    '0',
    '0.0714',
    '1.5',
    '42.1',
    '9,900',
    '-',
    '-',
  ]);
  t.is(median([4, 1, 3, 2]), 2.5);
});

test('a table is as wide as its widest cells', (t) => {
  t.is(table(['a', 'bb'], [['ccc', 'd']]), 'a    bb\n---  --\nccc   d');
});

test('effects that came twice, not at all or in the wrong order are wrong', (t) => {
  t.is(wrongEffects({ ops: 3 }, 'commit', 3), undefined);
  t.is(wrongEffects({ 'ops!PO': 3 }, 'undo', 3), undefined);
  const bad: Record<string, number>[] = [{ ops: 2, opss: 1 }, { ops: 2 }, { ops: 3, opsO: 1 }, {}];
  for (const tally of bad) {
    t.truthy(wrongEffects(tally, 'commit', 3));
  }
  t.truthy(wrongEffects({ 'ops!OP': 3 }, 'undo', 3));
});

test('a command has a letter, what nobody asked for a question mark', (t) => {
  t.is(letterOf('/order/action', false) + letterOf('/stock/action', true) + letterOf('/stock/undo', false), 'os!?');
});

test('the input of a step has about 200 bytes', (t) => {
  const [step] = planOf('commit-64-mb-1234', 'commit', 'http://127.0.0.1:1').steps;
  const bytes = JSON.stringify(step?.input).length;
  t.true(bytes > 180 && bytes < 220, String(bytes));
});

const options = readOptions(['--rounds', '2', '--in-flight', '64', '--variants', 'commit']);

const point = (perSecond: number): Point => ({
  round: 1,
  variant: 'commit',
  inFlight: 64,
  count: perSecond,
  wallMs: 1000,
  p50: 1,
  p99: 2,
  max: 3,
  cpuMs: { coordinator: perSecond / 2 },
  othersPercent: 0,
  residentMiB: { coordinator: 100 },
  counters: { groups: perSecond, appends: perSecond * 4, statements: perSecond, rowsWritten: perSecond * 7 },
});

const roundOf = (perSecond: number): Round => ({
  points: [point(perSecond)],
  waits: { commit: { mean: 4, max: 4 } },
});

test('rounds are put together by their median', (t) => {
  const [row] = rowsOf([roundOf(2000), roundOf(4000)], options);
  t.like(row, { perSecond: 3000, perSecondMin: 2000, perSecondMax: 4000, cpuMsTotal: 0.5, appends: 4, rowsWritten: 7 });
});

test('what was asked for is met, missed, or not measured', (t) => {
  const metOf = (round: Round, max: number) =>
    askedOf(rowsOf([round], options), { rounds: [round], writes: { commit: { mean: 6, max } } }).map(({ met }) => met);
  t.deepEqual(metOf(roundOf(3000), 7), [true, false, true, true]);
  t.deepEqual(metOf(roundOf(2999), 8), [false, false, true, false]);
});

test('a wrong flag or value names what was expected and what came', (t) => {
  t.throws(() => readOptions(['--rounds', 'many']), {
    instanceOf: UsageError,
    message: /whole number from 1, got many/,
  });
  t.throws(() => readOptions(['--variants', 'both']), { instanceOf: UsageError, message: /commit or undo, got both/ });
  t.throws(() => readOptions(['--fast']), { instanceOf: UsageError, message: /--fast/ });
});
