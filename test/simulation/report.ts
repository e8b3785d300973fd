/** What a run came to, as text: the closing table, what it must have reached, and each failure. */
import { legalTransitions, namedFailpoints } from './reached.js';
import type { Outcome } from './run.js';
import type { Limits } from './settings.js';
import { replayCommand, type Shrunk } from './shrink.js';
import type { Tally } from './tally.js';
import { consequences, faults } from './weather.js';

/** From so many seeds on everything that can happen must have happened. */
export const seedsForAll = 3000;

export function reportOf(tally: Tally, seconds: number): string {
  const kinds = mostFirst(tally.faults);
  const lines = [
    `seeds                     ${tally.seeds} (${rate(tally.seeds, seconds)}/s), ${tally.sampled} of them twice`,
    `transactions              ${tally.transactions} (${rate(tally.transactions, seconds)}/s): ${pairs(tally.statuses)}`,
    `commands sent             ${tally.commands}`,
    `effects                   ${tally.effects}`,
    `simulated time            ${(tally.simulatedMs / 3_600_000).toFixed(1)} h`,
    `processes killed          ${tally.kills()}`,
    `faults that took effect   ${tally.faultsThatTookEffect()} of ${kinds.length} kinds`,
    ...kinds.map(countOf),
    `transitions reached       ${reachedOf(legalTransitions, tally.transitions)}`,
    `(phase, event) seen       ${tally.events.size}`,
    `failpoints reached        ${reachedOf(namedFailpoints, tally.failpoints)}`,
    ...mostFirst(tally.failpoints).map(countOf),
    `violations                ${violationsOf(tally)}`,
  ];
  return lines.join('\n');
}

/** What was never reached, in words; empty of a run that is too short to tell. */
export function neverReached(tally: Tally): readonly string[] {
  if (tally.seeds < seedsForAll) return [];
  const missing = {
    failpoint: missed(namedFailpoints, tally.failpoints),
    transition: missed(legalTransitions, tally.transitions),
    fault: missed(faults, tally.faults),
  };
  return Object.entries(missing).flatMap(([what, names]) =>
    names.map((name) => `the ${what} '${name}' was never reached in ${tally.seeds} seeds`),
  );
}

const mostFirst = (counts: ReadonlyMap<string, number>) => [...counts].sort(([, one], [, other]) => other - one);
const countOf = ([name, count]: readonly [string, number]): string =>
  `  ${name.padEnd(44)}${String(count).padStart(9)}`;
const missed = (all: readonly string[], counts: ReadonlyMap<string, number>): readonly string[] =>
  all.filter((name) => !counts.has(name));

function reachedOf(all: readonly string[], counts: ReadonlyMap<string, number>): string {
  const missing = missed(all, counts);
  return `${all.length - missing.length} of ${all.length}; not: ${missing.join(', ') || 'none'}`;
}

function violationsOf({ failed }: Tally): string {
  const some = failed.slice(0, 20).join(', ');
  return failed.length === 0 ? 'none' : `${failed.length} seeds: ${some}`;
}

const rate = (count: number, seconds: number): string => (count / Math.max(seconds, 0.001)).toFixed(1);
const pairs = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ');

/** One line while it runs. */
export function progressOf(tally: Tally, seconds: number): string {
  return (
    `${Math.round(seconds)} s: ${tally.seeds} seeds (${rate(tally.seeds, seconds)}/s), ${tally.transactions} transactions, ` +
    `${tally.faultsThatTookEffect()} faults, ${tally.failed.length} failed`
  );
}

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
