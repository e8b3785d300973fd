/** The whole report as text: one table a mode, and what was asked for. */
import { askedOf, type Measured } from './asked.js';
import type { PerTransaction } from './counters.js';
import type { Statements } from './counts.js';
import type { Machine } from './machine.js';
import { median, show, table } from './numbers.js';
import type { Options } from './options.js';
import type { Row } from './rows.js';
import type { Mode, Variant } from './work.js';

const titles: Readonly<Record<Mode, string>> = Object.freeze({
  url: 'url: plans; a bare service without a fence, steps name its URL',
  participant: 'no-batch: plans; a bare service without a fence that registered itself, a request a command',
  batch: 'batch: plans; a bare service without a fence that registered itself, several commands a request',
  sdk: 'sdk: plans; a service on the SDK, FENCED in its SQLite database, in batches',
  remote: 'remote: client.run with three remote calls; the same service, FENCED, in batches',
  embed: 'embed: plans; coordinator, handlers without a fence and callers in one process',
});

export function reportText(rows: readonly Row[], measured: Measured, options: Options, here: Machine): string {
  const { cpu, cores, memoryGiB, system, node, files, sync } = here;
  const asked = askedOf(rows, measured, options).map(({ what, asked: wanted, measured: value, best, met, bestMet }) => [
    what,
    wanted,
    show(value),
    show(best),
    Number.isNaN(value) ? 'not measured' : met ? 'met' : bestMet ? 'met at best' : 'missed',
  ]);
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, stores in ${files}`,
    `before it began: ${show(sync.p50)} ms (p90 ${show(sync.p90)}) until a block is on the disk, which every commit waits for`,
    `${options.rounds} rounds of ${options.ms} ms a point; medians; commit: three steps done; undo: the third refused, ` +
      'the second and first compensated',
    ...options.modes.map((mode) => modeText(mode, rows, measured, options)),
    table(['asked for', 'asked', 'median', 'best', ''], asked),
  ].join('\n\n');
}

function modeText(mode: Mode, all: readonly Row[], measured: Measured, { variants }: Options): string {
  const rows = all.filter((row) => row.mode === mode);
  const parts = Object.keys(rows[0]?.cpuMs ?? {});
  const speed = rows.map((row) => [
    ...pointOf(row),
    show(row.perSecond),
    show(row.perSecondMax),
    show(row.perSecondMin),
    show(row.p50),
    show(row.p50Min),
    show(row.p99),
    ...parts.map((part) => show(row.cpuMs[part])),
    show(row.cpuMsTotal),
    show(row.residentMiB[parts[0] ?? '']),
    `${show(row.othersPercent)} %`,
  ]);
  const cpu = parts.map((part, index) => (index === 0 ? `CPU ms: ${part}` : part));
  const head = ['', 'in flight', 'tx/s', 'best', 'worst', 'p50 ms', 'best', 'p99 ms', ...cpu, 'total', 'MiB', 'others'];
  const statements = measured.counts.statements[mode];
  return [
    titles[mode],
    '',
    table(head, speed),
    '',
    ...variants.map((variant) => `${variant}: ${countsText(mode, variant, measured)}`),
    ...(statements ? [statementsText(statements)] : []),
    ...storeText(rows),
  ].join('\n');
}

const pointOf = ({ variant, inFlight }: Row): readonly string[] => [variant, String(inFlight)];

function countsText(mode: Mode, variant: Variant, { rounds, counts }: Measured): string {
  const waits = rounds.flatMap((round) => round.waits[mode]?.[variant] ?? []);
  const writes = counts.writes[mode]?.[variant];
  return `a transaction waits for ${each(waits)} group commits and writes ${each(writes ? [writes] : [])} rows`;
}

function each(counts: readonly PerTransaction[]): string {
  const most = Math.max(...counts.map(({ max }) => max));
  return `${show(median(counts.map(({ mean }) => mean)))} (at most ${show(most)})`;
}

function statementsText({ own, perOp }: Statements): string {
  const found = Object.entries(perOp).flatMap(([variant, byInFlight]) =>
    Object.entries(byInFlight).map(([inFlight, count]) => `${show(count)} (${variant}, ${inFlight} in flight)`),
  );
  return `statements in the service's database: ${found.join(', ')} an op; its work in a transaction of its own: ${own}`;
}

/** Only where the coordinator tells of it. */
function storeText(rows: readonly Row[]): readonly string[] {
  const kept = rows.filter(({ groups }) => Number.isFinite(groups));
  if (kept.length === 0) return [];
  const cost = kept.map((row) => [
    ...pointOf(row),
    show(row.appends),
    show(row.groups),
    show(row.rowsWritten),
    show(row.statements),
  ]);
  const head = ['', 'in flight', 'appends', 'group commits', 'row writes', 'statements'];
  return ['', 'as the coordinator counts, per transaction', '', table(head, cost)];
}
