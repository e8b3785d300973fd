/** Which cases there are, once it is known which commands the saga sends. */
import type { Rehearsal } from './rehearsal.js';
import type { Fault, Schedule, Step, Trouble } from './schedule.js';
import { stepPhase } from './schedule.js';

export const forwardTroubles: readonly Trouble[] = [
  'command lost',
  'answer lost',
  'stopped before commit',
  'write fails',
  'sent twice',
  'slow',
  'copy at the end',
  'unreachable',
  'cut off after',
  'held up',
];

export const settlingTroubles: readonly Trouble[] = [
  'command lost',
  'answer lost',
  'stopped before commit',
  'write fails',
  'sent twice',
  'slow',
  'copy at the end',
];

const command = (trouble: Trouble, step: Step): Fault => ({ kind: 'command', trouble, step });

const forwardsOf = ({ steps }: Rehearsal): readonly Step[] => steps.filter((step) => stepPhase(step) === 'forward');

/**
 * Cases that show how it is without trouble on the way: each step refused, and a rollback after all of them. In these an
 * undo is seen beside its forward op.
 */
export function referencesFor(plain: Rehearsal): readonly Schedule[] {
  const forwards = forwardsOf(plain);
  const refused = forwards.map((step): Schedule => [command('refused', step)]).reverse();
  const last = forwards.at(-1);
  if (plain.drives) return [[{ kind: 'mark' }], ...refused];
  return last ? [[command('cut off after', last)], ...refused] : refused;
}

/** One trouble each, on the way to the commit and on the way back. The simplest first. */
export function casesFor(plain: Rehearsal, back: Rehearsal | undefined): readonly Schedule[] {
  const inForward = plain.steps.flatMap((step) =>
    (stepPhase(step) === 'forward' ? forwardTroubles : settlingTroubles).map(
      (trouble): Schedule => [command(trouble, step)],
    ),
  );
  const way = back?.schedule ?? [];
  const inUndo = (back?.steps ?? [])
    .filter((step) => stepPhase(step) === 'rollback')
    .flatMap((step) => settlingTroubles.map((trouble): Schedule => [...way, command(trouble, step)]));
  const lateForward = (back ? forwardsOf(back) : []).flatMap((step): Schedule[] =>
    way.some((fault) => fault.kind === 'command' && fault.step === step)
      ? []
      : [[...way, command('copy at the end', step)]],
  );
  const sagas = plain.drives ? numbers(plain.requests, 1).map((request): Schedule => [{ kind: 'saga', request }]) : [];
  return [...inForward, ...inUndo, ...lateForward, ...sagas, ...killsFor(plain, back), ...endsOfProcess(plain)];
}

/** The coordinator killed at each boundary; on the way back only where that way is another. */
function killsFor(plain: Rehearsal, back: Rehearsal | undefined): readonly Schedule[] {
  const kills = numbers(plain.boundaries.length, 1).map((boundary): Schedule => [{ kind: 'coordinator', boundary }]);
  if (!back) return kills;
  const parting = back.boundaries.findIndex(({ where }, at) => where !== plain.boundaries[at]?.where);
  const from = parting < 0 ? back.boundaries.length : parting;
  const backKills = numbers(back.boundaries.length, from + 1).map(
    (boundary): Schedule => [...back.schedule, { kind: 'coordinator', boundary }],
  );
  return [...kills, ...backKills];
}

/** The coordinator killed together with the saga, which runs in its process, once in each state. */
function endsOfProcess({ drives, boundaries }: Rehearsal): readonly Schedule[] {
  if (!drives) return [];
  const states = boundaries.map(({ state }) => state);
  return boundaries.flatMap(({ state }, at): Schedule[] =>
    states.indexOf(state) === at ? [[{ kind: 'coordinator', boundary: at + 1, withSaga: true }]] : [],
  );
}

const numbers = (to: number, from: number): readonly number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
