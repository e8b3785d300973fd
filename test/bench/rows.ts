import { median } from './numbers.js';
import type { Options } from './options.js';
import type { Point, Round } from './round.js';
import type { Mode, Variant } from './work.js';

/** The rounds of one mode and variant at one number in flight, put together: medians, and the best and worst. */
export interface Row {
  readonly mode: Mode;
  readonly variant: Variant;
  readonly inFlight: number;
  readonly perSecond: number;
  readonly perSecondMin: number;
  readonly perSecondMax: number;
  readonly p50: number;
  readonly p50Min: number;
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

type RowOptions = Pick<Options, 'modes' | 'variants' | 'inFlight'>;

export const rowsOf = (rounds: readonly Round[], { modes, variants, inFlight }: RowOptions): readonly Row[] =>
  modes.flatMap((mode) =>
    variants.flatMap((variant) =>
      inFlight.map((flying) => {
        const ofMode = rounds.flatMap(({ points }) => points).filter((point) => point.mode === mode);
        return rowOf(ofMode.filter((point) => point.variant === variant && point.inFlight === flying));
      }),
    ),
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
    mode: first.mode,
    variant: first.variant,
    inFlight: first.inFlight,
    perSecond: median(perSecond),
    perSecondMin: Math.min(...perSecond),
    perSecondMax: Math.max(...perSecond),
    p50: middle(({ p50 }) => p50),
    p50Min: Math.min(...points.map(({ p50 }) => p50)),
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
