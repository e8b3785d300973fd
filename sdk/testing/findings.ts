/** What is wrong with a case that is over, and whose fault it is. */

import { kinds } from '../protocol/kinds.js';
import { isFinal, type TransactionStatus } from '../protocol/views.js';
import { differenceOf, type Masked, normalOf } from './compare.js';
import type { Finding, Knowledge, Reference } from './finding.js';
import type { Rehearsal } from './rehearsal.js';
import { keyOf, nameOf, type Place, type Step, stepPhase } from './schedule.js';
import { leftoverOf } from './undoing.js';

/** What ended how, and which forward ops took effect. */
export const signatureOf = (rehearsal: Rehearsal): string =>
  JSON.stringify([rehearsal.outcomes.map(({ decision }) => decision), [...forwardsOf(rehearsal)].sort()]);

export const referenceOf = (rehearsal: Rehearsal, masked: Masked): Reference => ({
  normal: normalOf(rehearsal.contents, masked),
  order: [...forwardsOf(rehearsal)].join(),
});

/** Keys of the forward ops that took effect, in their order. */
function forwardsOf(rehearsal: Rehearsal): ReadonlySet<string> {
  return new Set(
    runsInTime(rehearsal)
      .filter(({ kept, site }) => kept && site.phase === 'forward')
      .map((run) => keyOf(run)),
  );
}

export function findingsOf(rehearsal: Rehearsal, knowledge: Knowledge): readonly Finding[] {
  return [...offencesOf(rehearsal), ...consequencesOf(rehearsal, knowledge)];
}

/** What came of it: the first thing that explains the others. */
function consequencesOf(rehearsal: Rehearsal, knowledge: Knowledge): readonly Finding[] {
  const unfinished = unfinishedOf(rehearsal);
  if (unfinished) return [unfinished];
  const leftovers = leftoversOf(rehearsal, knowledge);
  if (leftovers.length > 0) return leftovers;
  const different = lateOf(rehearsal, knowledge) ?? differentOf(rehearsal, knowledge);
  const broken = rehearsal.offences.find(({ kind }) => kind === 'invariant');
  if (different)
    return [broken ? { ...different, what: `${different.what}; and the invariant says: ${broken.what}` } : different];
  if (!broken || followsFromBlamed(rehearsal, knowledge)) return [];
  const step = broken.step && 'handler' in broken.step ? broken.step : suspectOf(rehearsal);
  return [{ kind: 'invariant', where: nameOf(step), what: broken.what }];
}

/** What is wrong by itself, wherever it leads. */
const offencesOf = ({ offences }: Rehearsal): readonly Finding[] =>
  offences.flatMap(({ kind, step, what }) =>
    kind === 'invariant' ? [] : [{ kind, where: nameOf(step && 'handler' in step ? step : undefined), what }],
  );

/** The case does not count where an undo was at work that is known to be wrong. */
const followsFromBlamed = ({ witness }: Rehearsal, { blamed }: Knowledge): boolean =>
  witness.runs.some(({ site }) => site.phase === 'rollback' && blamed.has(`${site.participant}/${site.handler}`));

function unfinishedOf(rehearsal: Rehearsal): Finding | undefined {
  const { stuckIn, outcomes, sagaEnded, halt, witness } = rehearsal;
  if (stuckIn !== undefined) {
    const where = stuckIn === 'saga' ? undefined : nameOf(stuckIn);
    const what = `${stuckIn === 'saga' ? 'the saga' : 'the handler'} did not come back; a handler that uses its database other than through tx.db waits for itself`;
    return { kind: 'does not end', where, what };
  }
  const parked = outcomes.find(({ status }) => !isFinal(status as TransactionStatus));
  if (parked) {
    const failing = [...witness.errors.values()].find(({ site }) => site.phase !== 'forward');
    if (!failing)
      return {
        kind: 'does not end',
        where: undefined,
        what: `a transaction is ${parked.status}, and a person has to look at it`,
      };
    const { site, place, error } = failing;
    const isEmpty = site.phase === 'rollback' && !tookEffect(runsInTime(rehearsal), place);
    return {
      kind: isEmpty ? 'fails when empty' : 'undo fails',
      where: nameOf(site),
      what: isEmpty
        ? `it was asked although ${site.handler} had no effect, and failed: ${error}`
        : `it failed each time it was asked: ${error}`,
    };
  }
  return sagaEnded ? undefined : { kind: 'does not end', where: undefined, what: `the saga did not end (${halt})` };
}

const tookEffect = (runs: readonly Ran[], { transaction, branch }: Place): boolean =>
  runs.some(
    (run) => run.kept && run.site.phase === 'forward' && run.transaction === transaction && run.branch === branch,
  );

/** Of each undo, seen beside its forward op. */
function leftoversOf({ effects, steps }: Rehearsal, { masked, keys, blamed }: Knowledge): readonly Finding[] {
  return steps.flatMap((step) => {
    if (stepPhase(step) !== 'rollback' || blamed.has(`${step.participant}/${step.handler}`)) return [];
    const undo = effects.get(keyOf(step));
    const forward = effects.get(keyOf({ ...step, op: kinds[step.kind].forward ?? step.op }));
    const left = forward && undo && leftoverOf(forward, undo, masked, keys);
    return left ? [{ ...left, where: nameOf(step) }] : [];
  });
}

/** What came when all was over changes nothing. */
function lateOf({ early, contents, witness }: Rehearsal, { masked }: Knowledge): Finding | undefined {
  const change = early && differenceOf(normalOf(early.contents, masked), normalOf(contents, masked));
  const late = early && witness.runs.at(early.runs);
  if (!change || !late) return undefined;
  const wasUndone = witness.runs.slice(0, early.runs).some((run) => run.kept && isUndoOf(run, late));
  const isGhost = late.site.phase === 'forward' && wasUndone;
  const kind = isGhost ? 'late effect' : 'not idempotent';
  return {
    kind,
    where: nameOf(late.site),
    what: `${isGhost ? 'it took effect after its undo' : 'it took effect twice'}: ${change.what}`,
  };
}

function differentOf(rehearsal: Rehearsal, { masked, references }: Knowledge): Finding | undefined {
  const { contents, early, witness } = rehearsal;
  const expected = references.get(signatureOf(rehearsal));
  const difference = expected && differenceOf(expected.normal, normalOf(early?.contents ?? contents, masked));
  if (difference === undefined) return undefined;
  const { what } = difference;
  const runs = runsInTime(rehearsal);
  const kept = runs.filter((run) => run.kept);
  const empty = kept.find((run) => run.site.phase === 'rollback' && !tookEffect(kept, run));
  // One that sees to it itself may note that it came, to keep out what comes late.
  if (empty && difference.onlyMore) return undefined;
  if (empty)
    return {
      kind: 'fails when empty',
      where: nameOf(empty.site),
      what: `it did something although there was nothing to undo: ${what}`,
    };
  const twice = kept.find((run, at) => kept.findIndex((other) => keyOf(other) === keyOf(run)) < at);
  if (twice) return { kind: 'not idempotent', where: nameOf(twice.site), what: `it took effect twice: ${what}` };
  const [swallowing] = witness.swallowed;
  if (swallowing)
    return {
      kind: 'swallows an error',
      where: nameOf(swallowing),
      what: `it went on as if a write had not failed: ${what}`,
    };
  if ([...forwardsOf(rehearsal)].join() !== expected?.order)
    return {
      kind: 'different',
      where: nameOf(suspectOf(rehearsal)),
      what: `${what}; the steps took effect in another order`,
    };
  const [first] = witness.stopped;
  if (first) {
    return {
      kind: 'outside the transaction',
      where: nameOf(runs.find((run) => keyOf(run) === keyOf(first))?.site),
      what: `its effect stayed though its participant stopped before the commit: ${what}`,
    };
  }
  return { kind: 'different', where: nameOf(suspectOf(rehearsal)), what };
}

/** Without those of commands that came when all was over. */
const runsInTime = ({ witness, early }: Rehearsal): readonly Ran[] => witness.runs.slice(0, early?.runs);

type Ran = Rehearsal['witness']['runs'][number];

const isUndoOf = (undo: Ran, run: Ran): boolean =>
  undo.site.phase === 'rollback' && undo.transaction === run.transaction && undo.branch === run.branch;

/** Whose command was in trouble. */
function suspectOf({ schedule }: Rehearsal): Step | undefined {
  const fault = schedule.findLast(({ kind }) => kind === 'command');
  return fault?.kind === 'command' ? fault.step : undefined;
}
