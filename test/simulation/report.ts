/** The closing table. */
import type { Outcome } from './run.js';
import type { Limits } from './settings.js';
import { replayCommand, type Shrunk } from './shrink.js';
import { namedFailpoints, type Tally } from './tally.js';
import { consequences, faults } from './weather.js';

export function reportOf(tally: Tally, seconds: number): string {
  const kinds = [...tally.faults].sort(([, one], [, other]) => other - one);
  const missed = namedFailpoints.filter((name) => !tally.failpoints.has(name));
  const lines = [
    `seeds                     ${tally.seeds} (${rate(tally.seeds, seconds)}/s)`,
    `transactions              ${tally.transactions} (${rate(tally.transactions, seconds)}/s): ${pairs(tally.statuses)}`,
    `commands sent             ${tally.commands}`,
    `effects                   ${tally.effects}`,
    `simulated time            ${(tally.simulatedMs / 3_600_000).toFixed(1)} h`,
    `faults that took effect   ${tally.faultsThatTookEffect()} of ${kinds.length} kinds`,
    ...kinds.map(([fault, count]) => `  ${fault.padEnd(40)}${String(count).padStart(9)}`),
    `kinds that never did      ${faults.filter((fault) => !tally.faults.has(fault)).join(', ') || 'none'}`,
    `(phase, event) reached    ${tally.transitions.size}`,
    `failpoints reached        ${namedFailpoints.length - missed.length} of ${namedFailpoints.length}; not: ${missed.join(', ') || 'none'}`,
    `violations                ${tally.failed.length} seeds${
      tally.failed.length > 0
        ? `: ${tally.failed
            .map(({ seed }) => seed)
            .slice(0, 20)
            .join(', ')}`
        : ''
    }`,
  ];
  return lines.join('\n');
}

const rate = (count: number, seconds: number): string => (count / Math.max(seconds, 0.001)).toFixed(1);
const pairs = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ');

/** What a failing seed came to, and how to run it again. */
export function failureOf({ seed, violations }: Outcome, limits: Limits): string {
  const told = violations
    .slice(0, 3)
    .map(({ invariant, xid, what, steps }) =>
      [`${invariant} ${xid ?? ''}: ${what}`, ...steps.map((step) => `    ${step}`)].join('\n'),
    );
  return [`seed ${seed} fails`, ...told, `replay: ${replayCommand(seed, limits)}`].join('\n');
}

export function shrunkOf({ outcome, limits, runs }: Shrunk): string {
  const { violations, trace = [], on } = outcome;
  const xid = violations[0]?.xid ?? / (x\d+) /.exec(violations[0]?.what ?? '')?.[1];
  const lines = trace.filter((line) => !xid || line.includes(`${xid} `));
  return [
    `shrunk in ${runs} runs to the faults: ${[...on].filter((fault) => !consequences.includes(fault)).join(', ') || 'none'}`,
    ...violations.slice(0, 2).map(({ invariant, what }) => `${invariant}: ${what}`),
    ...lines.slice(0, 60).map((line) => `    ${line}`),
    `replay: ${replayCommand(outcome.seed, limits)}`,
  ].join('\n');
}
