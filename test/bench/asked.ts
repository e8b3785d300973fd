/** The figures that were asked for, beside what came out. */
import type { Counts } from './counts.js';
import { median, show } from './numbers.js';
import type { Options } from './options.js';
import type { Round } from './round.js';
import type { Row } from './rows.js';
import type { Mode } from './work.js';

/** All that was measured and counted. */
export interface Measured {
  readonly rounds: readonly Round[];
  readonly counts: Counts;
}

export interface Asked {
  readonly what: string;
  readonly asked: string;
  /** The median of the rounds; NaN when it was not measured, and then it is not met. */
  readonly measured: number;
  /** Of the best round. */
  readonly best: number;
  readonly met: boolean;
  readonly bestMet: boolean;
}

/** What is compared in pairs differs by this much where there is no difference. */
const noise = 1.05;

/** Those of the modes that were run. */
export function askedOf(
  rows: readonly Row[],
  { rounds, counts }: Measured,
  { modes }: Pick<Options, 'modes'>,
): readonly Asked[] {
  const at = (mode: Mode, inFlight: number) =>
    rows.find((row) => row.mode === mode && row.variant === 'commit' && row.inFlight === inFlight);
  const speed = (mode: Mode, asked: number): Asked => {
    const row = at(mode, 64);
    return atLeast(`${mode}: transactions per second, 64 in flight`, asked, row?.perSecond, row?.perSecondMax);
  };
  const fence = (mode: Mode): Asked =>
    atMost(
      `${mode}: statements of the fence, more than a transaction of one's own, 1 in flight`,
      2,
      more(counts, mode),
    );
  const waits = Math.max(...rounds.map((round) => round.waits.url?.commit?.max ?? Number.NaN));
  const asked: Readonly<Record<Mode, () => readonly Asked[]>> = {
    url: () => [
      speed('url', 3000),
      atMost('url: p50 in ms, 1 in flight', 1.5, at('url', 1)?.p50, at('url', 1)?.p50Min),
      atMost('url: waits for a group commit, most of one transaction', 4, waits),
      atMost('url: row writes, most of one transaction', 7, counts.writes.url?.commit?.max),
    ],
    participant: () => [],
    batch: () => [speed('batch', 6000), ...(modes.includes('participant') ? [withBatches(rounds)] : [])],
    sdk: () => [speed('sdk', 2000), fence('sdk')],
    remote: () => [speed('remote', 1200), fence('remote')],
    embed: () => [speed('embed', 8000)],
  };
  return modes.flatMap((mode) => asked[mode]());
}

const atLeast = (what: string, asked: number, measured = Number.NaN, best = measured): Asked => ({
  what,
  asked: `>= ${show(asked)}`,
  measured,
  best,
  met: measured >= asked,
  bestMet: best >= asked,
});

const atMost = (what: string, asked: number, measured = Number.NaN, best = measured): Asked => ({
  what,
  asked: `<= ${show(asked)}`,
  measured,
  best,
  met: measured <= asked,
  bestMet: best <= asked,
});

function more({ statements }: Counts, mode: Mode): number | undefined {
  const found = statements[mode];
  const perOp = found?.perOp.commit?.[1];
  return found && perOp !== undefined ? perOp - found.own : undefined;
}

/** In each round both ran one after the other. */
function withBatches(rounds: readonly Round[]): Asked {
  const shares = rounds.flatMap(({ points }) => {
    const of = (mode: Mode) =>
      points.find((point) => point.mode === mode && point.variant === 'commit' && point.inFlight === 1)?.p50;
    const [without, batched] = [of('participant'), of('batch')];
    return without !== undefined && batched !== undefined ? [batched / without] : [];
  });
  const what = 'batch: p50 at 1 in flight as a share of that without batches';
  return { ...atMost(what, noise, median(shares), Math.min(...shares)), asked: `<= 1 (${noise}: noise)` };
}
