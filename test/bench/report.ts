import type { PerTransaction } from './counters.js';
import { machine } from './machine.js';
import { median, show, table } from './numbers.js';
import type { Options } from './options.js';
import type { Counted, Point, Round } from './round.js';
import type { Variant } from './work.js';

/** The rounds of one variant at one number in flight, put together. */
export interface Row {
  readonly variant: Variant;
  readonly inFlight: number;
  readonly perSecond: number;
  readonly perSecondMin: number;
  readonly perSecondMax: number;
  readonly p50: number;
  readonly p99: number;
  /** Of one transaction, by process. */
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly cpuMsTotal: number;
  readonly residentMiB: Readonly<Record<string, number>>;
  readonly othersPercent: number;
  /** Of one transaction. */
  readonly appends: number;
  readonly groups: number;
  readonly statements: number;
  readonly rowsWritten: number;
}

/** All that was measured and counted. */
export interface Measured {
  readonly rounds: readonly Round[];
  /** Rows written. */
  readonly writes: Counted;
}

export interface Asked {
  readonly what: string;
  readonly asked: string;
  readonly measured: number;
  readonly met: boolean;
}

export const rowsOf = (rounds: readonly Round[], { variants, inFlight }: Options): readonly Row[] =>
  variants.flatMap((variant) =>
    inFlight.map((flying) => {
      const points = rounds.flatMap((round) => round.points);
      return rowOf(points.filter((point) => point.variant === variant && point.inFlight === flying));
    }),
  );

function rowOf(points: readonly Point[]): Row {
  const [first] = points;
  if (first === undefined) throw new Error('a point was not measured');
  const middle = (of: (point: Point) => number): number => median(points.map(of));
  const perSecond = points.map(({ count, wallMs }) => (count * 1000) / wallMs);
  const byPart = (of: (point: Point, part: string) => number): Record<string, number> =>
    Object.fromEntries(Object.keys(first.cpuMs).map((part) => [part, middle((point) => of(point, part))]));
  const counted = (name: keyof NonNullable<Point['counters']>): number =>
    middle(({ counters, count }) => (counters?.[name] ?? Number.NaN) / count);
  const cpuMs = byPart((point, part) => (point.cpuMs[part] ?? Number.NaN) / point.count);
  return {
    variant: first.variant,
    inFlight: first.inFlight,
    perSecond: median(perSecond),
    perSecondMin: Math.min(...perSecond),
    perSecondMax: Math.max(...perSecond),
    p50: middle(({ p50 }) => p50),
    p99: middle(({ p99 }) => p99),
    cpuMs,
    cpuMsTotal: Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0),
    residentMiB: byPart((point, part) => point.residentMiB[part] ?? Number.NaN),
    othersPercent: Math.max(...points.map(({ othersPercent }) => othersPercent)),
    appends: counted('appends'),
    groups: counted('groups'),
    statements: counted('statements'),
    rowsWritten: counted('rowsWritten'),
  };
}

/** The figures that were asked for, beside what came out. A figure that was not measured is not met. */
export function askedOf(rows: readonly Row[], { rounds, writes }: Measured): readonly Asked[] {
  const at = (inFlight: number) => rows.find((row) => row.variant === 'commit' && row.inFlight === inFlight);
  const waits = Math.max(...rounds.map((round) => round.waits.commit?.max ?? Number.NaN));
  const atLeast = (what: string, asked: number, measured = Number.NaN): Asked => ({
    what,
    asked: `>= ${show(asked)}`,
    measured,
    met: measured >= asked,
  });
  const atMost = (what: string, asked: number, measured = Number.NaN): Asked => ({
    what,
    asked: `<= ${show(asked)}`,
    measured,
    met: measured <= asked,
  });
  return [
    atLeast('transactions per second, 64 in flight', 3000, at(64)?.perSecond),
    atMost('p50 in ms, 1 in flight', 1.5, at(1)?.p50),
    atMost('waits for a group commit, most of one transaction', 4, waits),
    atMost('row writes, most of one transaction', 7, writes.commit?.max),
  ];
}

const parts = ['coordinator', 'participant', 'client'] as const;

/** The whole report as text. */
export function reportText(rows: readonly Row[], measured: Measured, options: Options): string {
  const { cpu, cores, memoryGiB, system, node, files } = machine(options.dir);
  const asked = askedOf(rows, measured).map(({ what, asked, measured: value, met }) => [
    what,
    asked,
    show(value),
    Number.isNaN(value) ? 'not measured' : met ? 'met' : 'missed',
  ]);
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, store in ${files}`,
    `${options.rounds} rounds of ${options.ms} ms a point; medians`,
    ...options.variants.map((variant) => variantText(variant, rows, measured)),
    table(['asked for', 'asked', 'measured', ''], asked),
  ].join('\n\n');
}

function variantText(variant: Variant, all: readonly Row[], { rounds, writes }: Measured): string {
  const rows = all.filter((row) => row.variant === variant);
  const waits = rounds.flatMap((round) => round.waits[variant] ?? []);
  const title =
    variant === 'commit'
      ? 'commit: three steps done'
      : 'undo: the third step refused, the second and first compensated';
  const speed = rows.map((row) => [
    String(row.inFlight),
    show(row.perSecond),
    `${show(row.perSecondMin)} to ${show(row.perSecondMax)}`,
    show(row.p50),
    show(row.p99),
    ...parts.map((part) => show(row.cpuMs[part])),
    show(row.cpuMsTotal),
    show(row.residentMiB.coordinator),
    `${show(row.othersPercent)} %`,
  ]);
  const kept = rows.filter(({ groups }) => Number.isFinite(groups));
  const cost = kept.map((row) => [
    String(row.inFlight),
    show(row.appends),
    show(row.groups),
    show(row.rowsWritten),
    show(row.statements),
  ]);
  return [
    title,
    '',
    table(['in flight', 'tx/s', 'range', 'p50 ms', 'p99 ms', ...cpuHead, 'MiB', 'others'], speed),
    '',
    `waits for a group commit per transaction: ${each(waits)}`,
    `row writes per transaction:               ${each(writes[variant] ? [writes[variant]] : [])}`,
    ...(kept.length === 0
      ? ['the coordinator does not tell of group commits and statements yet']
      : ['', 'as the coordinator counts, per transaction', '', table(costHead, cost)]),
  ].join('\n');
}

const each = (counts: readonly PerTransaction[]): string =>
  `${show(median(counts.map(({ mean }) => mean)))} on average, at most ${show(Math.max(...counts.map(({ max }) => max)))}`;

const cpuHead = ['CPU ms: coord.', 'partic.', 'client', 'total'];
const costHead = ['in flight', 'appends', 'group commits', 'row writes', 'statements'];
