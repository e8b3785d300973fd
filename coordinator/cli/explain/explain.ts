/** A transaction in plain words: pure, so that every case is a line in a table of tests. */
import { isFinal, type TransactionView } from '../../../sdk/protocol/views.js';
import { safe } from '../print.js';
import { counted, moment } from '../times.js';
import { typedMax, whatYouCanDo } from './advice.js';
import { effectsOf, list, mixedText } from './effects.js';
import { type Effects, type Explanation, type Known, openedOf, type Told } from './explanation.js';
import { whatHappened } from './happened.js';
import { whatComesNext } from './next.js';
import { isPivotInDoubt, whatItWaitsFor } from './waiting.js';

export function explain(known: Known): Explanation {
  const { view } = known;
  const effects = effectsOf(known);
  return {
    xid: view.xid,
    name: view.name,
    status: view.status,
    headline: headlineOf(known, effects),
    effects,
    happened: whatHappened(known),
    waitsFor: whatItWaitsFor(known),
    next: whatComesNext(known),
    youCan: whatYouCanDo(known),
  };
}

const because = ({ reason }: TransactionView): string => (reason === null ? '' : `, because ${reason}`);

function headlineOf(known: Known, effects: Effects): string {
  const { view } = known;
  switch (view.status) {
    case 'active':
      return undecided(known);
    case 'committing':
      return 'Commit is decided and will not change. It is being carried out.';
    case 'rolling_back':
      return `Rollback is decided and will not change${because(view)}. What was done is being undone.`;
    case 'committed':
      return effects.without.length === 0
        ? 'Committed: every branch took effect.'
        : `Committed. ${list(effects.without)} said no, and its initiator committed without.`;
    case 'rolled_back':
      return `Rolled back${because(view)}. Nothing of it is left.`;
    case 'parked':
      return parkedHeadline(known);
    case 'resolved':
      return resolvedHeadline(view, effects);
  }
}

function undecided(known: Known): string {
  const has = (type: string): boolean => known.events.some((event) => event.type === type);
  if (known.view.waitingOn.some((one) => isPivotInDoubt(known, one) && one.attempt > 1))
    return 'Nothing is decided: the pivot may or may not have taken effect, and is asked until that is known.';
  if (has('rollback_wanted'))
    return 'Nothing is decided: rollback is wanted, and its initiator is asked first whether it may be.';
  if (has('closed'))
    return 'Nothing is decided: its initiator asked to commit, and the outcomes of its branches are awaited.';
  const { drivenBy } = openedOf(known);
  return drivenBy === 'plan'
    ? `Nothing is decided: ${stepsDone(known.view)} of its plan are done.`
    : `Nothing is decided: its initiator drives it, with ${counted(known.view.branches.length, 'branch').replace('branchs', 'branches')} so far.`;
}

const stepsDone = ({ branches }: TransactionView): string =>
  `${branches.filter(({ status }) => status === 'done').length} of ${counted(branches.length, 'step')}`;

function parkedHeadline({ view }: Known): string {
  const stopped = 'It is stopped and waits for a person.';
  if (view.decision === 'commit')
    return `${stopped} Commit is decided and will not change; some of it could not be carried out.`;
  if (view.decision === 'rollback')
    return `${stopped} Rollback is decided and will not change${because(view)}; some of it could not be undone.`;
  const why = view.waitingOn.some(({ branch }) => branch === 0)
    ? "the initiator's check gave no answer"
    : 'an outcome that decides is not known';
  return `${stopped} Nothing is decided, as ${why}.`;
}

function resolvedHeadline({ decision }: TransactionView, effects: Effects): string {
  const way = decision === 'commit' ? 'Commit' : 'Rollback';
  const open = effects.unknown.length > 0 ? ` Of ${list(effects.unknown)} nobody knows whether it took effect.` : '';
  if (effects.kind === 'unknown') return `Finished by hand. ${way} was decided.${open}`;
  if (effects.kind === 'mixed') return `Finished by hand. ${way} was decided. ${mixedText(effects)}${open}`;
  const all = effects.kind === 'all' ? 'every branch took effect' : 'no branch kept an effect';
  return `Finished by hand. ${way} was decided, and ${all}.${open}`;
}

/** For a person, at a terminal. */
export function explanationLines(explanation: Explanation, now: number): string {
  const { xid, name, status, headline, happened, waitsFor, next, youCan, effects } = explanation;
  const toldLine = ({ text, at }: Told): string =>
    at === null ? text : `${text} ${Date.parse(at) > now ? 'Due' : 'Since'} ${moment(at, now)}.`;
  const shown = (text: string): string => safe(text, 600);
  const section = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
  return [
    shown(`${xid}, '${name}', is ${status.replace('_', ' ')}.`),
    shown(headline),
    ...(isFinal(status) ? [] : effectLines(effects).map(shown)),
    ...section(
      'What happened',
      happened.map(({ at, text }) => `${shown(at)}  ${shown(text)}`),
    ),
    ...section('What it waits for', waitsFor.map(toldLine).map(shown)),
    ...section('What happens next', next.map(toldLine).map(shown)),
    ...section(
      'What you can do',
      youCan.flatMap(({ text, command }) => [
        shown(text),
        ...(command === null ? [] : [`  $ ${safe(command, typedMax)}`]),
      ]),
    ),
  ].join('\n');
}

const effectLines = ({ inEffect, unknown }: Effects): readonly string[] => [
  ...(inEffect.length > 0 ? [`In effect, as far as is known: ${list(inEffect)}.`] : []),
  ...(unknown.length > 0 ? [`Not known yet: ${list(unknown)}.`] : []),
];
