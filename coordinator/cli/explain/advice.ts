import type { Json } from '../../../sdk/protocol/json.js';
import { phaseOf } from '../../../sdk/protocol/kinds.js';
import { type BranchView, isFinal, type WaitingOn } from '../../../sdk/protocol/views.js';
import { safe } from '../print.js';
import { moment } from '../times.js';
import { type Advice, branchAt, type Known, openedOf } from './explanation.js';
import { heldBy, isPivotInDoubt, targetOf } from './waiting.js';

/** What a person can do, with the command to type. */
export function whatYouCanDo(known: Known): readonly Advice[] {
  const { url } = known;
  const advice = adviceFor(known);
  if (url === undefined) return advice;
  return advice.map(({ text, command }) => ({ text, command: command && `${command} --url ${quoted(url)}` }));
}

function adviceFor(known: Known): readonly Advice[] {
  const { view } = known;
  const { xid } = view;
  if (isFinal(view.status)) return [{ text: 'See its whole log', command: `concordat tx show ${xid} --events` }];
  const parked = view.waitingOn.filter(({ dueAt }) => dueAt === null);
  return [
    ...participantsToMend(known),
    ...(parked.length > 0
      ? [{ text: 'Mend what stopped it, then have everything tried again', command: `concordat tx retry ${xid}` }]
      : []),
    ...(parked.some(({ branch }) => branch === 0) ? [inPlaceOfTheCheck(xid)] : []),
    ...proposed(known),
    ...parked.flatMap((one) => byHand(known, one)),
    ...(parked.length === 0 && isWaitingForItsTime(known)
      ? [{ text: 'Do not wait for the next attempt', command: `concordat tx retry ${xid}` }]
      : []),
    ...rollingBack(known),
    ...(parked.length === 0 ? [{ text: 'Watch it', command: `concordat tx watch ${xid}` }] : []),
  ];
}

const isWaitingForItsTime = ({ view, now }: Known): boolean =>
  view.waitingOn.some(({ dueAt }) => dueAt !== null && Date.parse(dueAt) > now);

function participantsToMend(known: Known): readonly Advice[] {
  const held = known.view.waitingOn.filter((one) => one.dueAt !== null && heldBy(known, one) !== undefined);
  return [...new Set(held.map((one) => targetOf(known, one)))].map((name) => {
    if (known.participants.some((each) => each.name === name && each.paused))
      return { text: `End the pause of '${name}': ${pauseEnd(name)}`, command: null };
    const who = name.includes('/') ? `the service at ${name}` : `an instance of '${name}'`;
    return { text: `Start ${who}, or see why it does not answer`, command: 'concordat doctor' };
  });
}

/** Nothing but the check can say that nothing was committed. */
const inPlaceOfTheCheck = (xid: string): Advice => ({
  text: `Or, if its initiator did commit: POST /v1/transactions/${xid}/commit says so. A rollback takes the answer of its check`,
  command: null,
});

/** The request that ends a pause; an origin of URLs is one part of its path. */
export const pauseEnd = (name: string): string =>
  `PUT /v1/participants/${encodeURIComponent(name)} with {"paused": false}`;

/** What one person wants, and another has to want too, to the letter: anything else would be a proposal of its own. */
function proposed({ view, now }: Known): readonly Advice[] {
  const { proposal } = view;
  if (!proposal) return [];
  const { branches, by, expiresAt } = proposal;
  const what = branches.map(({ branch, as, reason }) => `branch ${branch} is ${as}, because ${reason}`).join('; ');
  const text = `Confirm what ${by} proposed (with a key of another name, before ${moment(expiresAt, now)}): ${what}`;
  const [first] = branches;
  const command =
    first && branches.length === 1
      ? `concordat tx resolve ${view.xid} --branch ${first.branch} --as ${first.as} --reason ${quoted(first.reason)}${outputOf(first.output)}`
      : null;
  // What is cut or cleaned for a terminal is no longer the same.
  if (command !== null && safe(command, typedMax) === command) return [{ text, command }];
  const path = `/v1/transactions/${view.xid}/resolve`;
  return [
    { text: `${text}. Send the branches of its "proposal" to POST ${path}, with the same reasons`, command: null },
  ];
}

/** The longest command that is shown. */
export const typedMax = 4000;

const outputOf = (output: Json): string => (output === null ? '' : ` --output ${quoted(JSON.stringify(output))}`);

/** One word of a shell's command. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Only a parked branch is decided by hand, and only once nothing of it can still come. */
function byHand(known: Known, { branch: number, op }: WaitingOn): readonly Advice[] {
  const { view, now } = known;
  const branch = branchAt(view, number);
  if (!branch) return [];
  const until = inFlightUntil(known, number);
  const wait =
    until !== undefined && Date.parse(until) > now
      ? ` (not before ${moment(until, now)}: its last command may still take effect, and until then the answer is command_in_flight)`
      : '';
  const { done, skipped } = meaningOf(known, branch, op);
  const command = (as: string) => `concordat tx resolve ${view.xid} --branch ${number} --as ${as} --reason "why"`;
  return [
    { text: `Look at the participant. If ${done}${wait}`, command: command('done') },
    { text: `Or, if ${skipped}${wait}`, command: command('skipped') },
  ];
}

function inFlightUntil({ events }: Known, number: number): string | undefined {
  const parked = events.findLast(({ type, branch }) => type === 'branch_parked' && branch === number);
  return typeof parked?.expiresAt === 'string' ? parked.expiresAt : undefined;
}

/** What the two words mean for that op: they read alike and lead to opposite ends. */
function meaningOf(
  known: Known,
  { branch: number, id, kind }: BranchView,
  op: WaitingOn['op'],
): { readonly done: string; readonly skipped: string } {
  const phase = phaseOf(kind, op);
  const isUncertain = known.events.some((event) => event.type === 'branch_uncertain' && event.branch === number);
  if (phase === 'rollback' && isUncertain)
    return {
      done: `'${id}' took no effect, or its effect is undone, or you undid it yourself`,
      skipped: `'${id}' took effect and that shall stay: the transaction may then end mixed`,
    };
  if (phase === 'rollback')
    return {
      done: `the effect of '${id}' is undone, or you undid it yourself`,
      skipped: `the effect of '${id}' shall stay: the transaction may then end mixed`,
    };
  if (phase === 'forward' && known.view.decision === null)
    return {
      done: `'${id}' took effect: the transaction then goes on with it`,
      skipped: `'${id}' took no effect: rollback is then decided`,
    };
  return {
    done: `'${id}' took effect, or you carried it out yourself`,
    skipped: `'${id}' took no effect and shall take none: the transaction may then end mixed`,
  };
}

function rollingBack(known: Known): readonly Advice[] {
  const { view, events } = known;
  const isDoubtful = view.waitingOn.some((one) => isPivotInDoubt(known, one));
  const isAsking = events.some(({ type }) => type === 'rollback_wanted');
  if (view.decision !== null || isDoubtful || isAsking) return [];
  const asks = openedOf(known).onTimeout === 'ask' ? ' (its initiator is asked first)' : '';
  return [{ text: `Give it up${asks}`, command: `concordat tx rollback ${view.xid} --reason "why"` }];
}
