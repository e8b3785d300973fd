import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { temporary } from '../helpers/temporary.js';
import { askedOf } from './asked.js';
import { type Counts, countAll } from './counts.js';
import { effectsIn } from './effects.js';
import { withFile } from './file.js';
import { machine } from './machine.js';
import { median, quantile, show, table } from './numbers.js';
import { type Options, readOptions, UsageError } from './options.js';
import { reportText } from './report.js';
import { type Point, type Round, runRound } from './round.js';
import { rowsOf } from './rows.js';
import { letterOf, type Mode, modes, planOf, wordOf, wrongEffects } from './work.js';

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
  t.is(wrongEffects({ ops: 3 }, wordOf('url', 'commit'), 3), undefined);
  t.is(wrongEffects({ 'ops!PO': 3 }, wordOf('embed', 'undo'), 3), undefined);
  t.is(wrongEffects({ opPO: 3 }, wordOf('sdk', 'undo'), 3), undefined);
  const bad: Record<string, number>[] = [{ ops: 2, opss: 1 }, { ops: 2 }, { ops: 3, opsO: 1 }, {}];
  for (const tally of bad) {
    t.truthy(wrongEffects(tally, wordOf('url', 'commit'), 3));
  }
  t.truthy(wrongEffects({ 'ops!OP': 3 }, wordOf('url', 'undo'), 3));
});

test('a command has a letter, what nobody asked for a question mark', (t) => {
  t.is(letterOf('/order/action', false) + letterOf('/stock/action', true) + letterOf('/stock/undo', false), 'os!?');
});

test('the effects in a service’s database are words, each counted once', async (t) => {
  const file = join(await temporary(t), 'service.db');
  const record = (rows: readonly string[]) =>
    withFile(file, async (ask) => {
      for (const row of rows) await ask('insert into effects (xid, letter) values (?, ?)', row.split(' '));
    });
  await withFile(file, (ask) => ask('create table effects (id integer primary key, xid text, letter text)'));
  const tally = effectsIn(file);
  await record(['a o', 'b o', 'a p', 'b o', 'a s']);
  t.deepEqual(await tally(), { ops: 1, oo: 1 });
  t.deepEqual(await tally(), {});
  await record(['c o']);
  t.deepEqual(await tally(), { o: 1 });
});

test('the input of a step has about 200 bytes', (t) => {
  const [step] = planOf('commit-64-mb-1234', 'commit', 'http://127.0.0.1:1').steps;
  const bytes = JSON.stringify(step?.input).length;
  t.true(bytes > 180 && bytes < 220, String(bytes));
});

const options = readOptions(['--rounds', '2', '--in-flight', '64', '--variants', 'commit']);

const point = (perSecond: number): Point => ({
  round: 1,
  mode: 'url',
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
  waits: { url: { commit: { mean: 4, max: 4 } } },
});

test('rounds are put together by their median', (t) => {
  const [row] = rowsOf([roundOf(2000), roundOf(4000)], options);
  t.like(row, { perSecond: 3000, perSecondMin: 2000, perSecondMax: 4000, cpuMsTotal: 0.5, appends: 4, rowsWritten: 7 });
});

test('what was asked for is met, missed, or not measured', (t) => {
  const metOf = (round: Round, max: number) => {
    const counts = { writes: { url: { commit: { mean: 6, max } } }, statements: {} };
    return askedOf(rowsOf([round], options), { rounds: [round], counts }, options).map(({ met }) => met);
  };
  t.deepEqual(metOf(roundOf(3000), 7), [true, false, true, true]);
  t.deepEqual(metOf(roundOf(2999), 8), [false, false, true, false]);
});

test('batches are compared with the lack of them round by round', (t) => {
  const at = (mode: Mode, p50: number): Point => ({ ...point(100), mode, inFlight: 1, p50 });
  const rounds = [
    { points: [at('participant', 1), at('batch', 0.9)], waits: {} },
    { points: [at('participant', 4), at('batch', 4)], waits: {} },
    { points: [at('participant', 1), at('batch', 2)], waits: {} },
  ];
  const compared = readOptions(['--compare', '--in-flight', '1', '--variants', 'commit']);
  const counts = { writes: {}, statements: {} };
  const [speed, p50] = askedOf(rowsOf(rounds, compared), { rounds, counts }, compared);
  t.like(speed, { measured: Number.NaN, met: false });
  t.like(p50, { measured: 1, best: 0.9, met: true });
});

test('the fence is told by what it costs more than a transaction of one’s own', (t) => {
  const measured = { rounds: [], counts: { writes: {}, statements: { sdk: { own: 3, perOp: { commit: { 1: 5 } } } } } };
  const [, fence] = askedOf([], measured, { modes: ['sdk'] });
  t.like(fence, { measured: 2, met: true });
});

test('modes are chosen by flags, a URL in each step when there is none', (t) => {
  const chosen = (...args: string[]) => readOptions(args).modes;
  t.deepEqual(chosen(), ['url']);
  t.deepEqual(chosen('--no-batch'), ['participant']);
  t.deepEqual(chosen('--embed', '--sdk'), ['sdk', 'embed']);
  t.deepEqual(chosen('--compare'), ['participant', 'batch']);
  t.deepEqual(chosen('--all'), modes);
});

test('a wrong flag or value names what was expected and what came', (t) => {
  t.throws(() => readOptions(['--rounds', 'many']), {
    instanceOf: UsageError,
    message: /whole number from 1, got many/,
  });
  t.throws(() => readOptions(['--variants', 'both']), { instanceOf: UsageError, message: /commit or undo, got both/ });
  t.throws(() => readOptions(['--fast']), { instanceOf: UsageError, message: /--fast/ });
});

const short = [
  '--rounds',
  '1',
  '--ms',
  '60',
  '--warm-ms',
  '20',
  '--warm-up-ms',
  '40',
  '--in-flight',
  '4',
  '--dir',
  tmpdir(),
];

/** The other modes are counted in the same way. */
const isCounted = (mode: Mode): boolean => mode === 'url' || mode === 'sdk';

const countsOf = (asked: Options): Promise<Counts> =>
  isCounted(asked.modes[0] ?? 'url') ? countAll(asked) : Promise.resolve({ writes: {}, statements: {} });

for (const mode of modes) {
  const flag = mode === 'participant' ? '--no-batch' : `--${mode}`;

  test.serial(`${flag}: a short round has the effects that it should, and a report`, async (t) => {
    const asked = readOptions([...short, flag]);
    const round = await runRound(1, asked, (line) => t.log(line));
    t.deepEqual(
      round.points.map(({ variant, count }) => [variant, count > 0]),
      [
        ['commit', true],
        ['undo', true],
      ],
    );
    const counts = await countsOf(asked);
    t.is((counts.writes[mode]?.commit?.mean ?? 0) > 0, isCounted(mode));
    t.is(counts.statements[mode]?.own, mode === 'sdk' ? 3 : undefined);
    if (mode === 'sdk') t.true((counts.statements.sdk?.perOp.commit?.[1] ?? Number.NaN) <= 5);
    const here = machine(asked.dir);
    const text = reportText(rowsOf([round], asked), { rounds: [round], counts }, asked, here);
    t.regex(text, /ms \(p90 [\d.]+\) until a block is on the disk/);
    t.regex(text, /asked for/);
  });
}
