import { phaseOf } from '../../../sdk/protocol/kinds.js';
import { type BranchView, isFinal, type WaitingOn } from '../../../sdk/protocol/views.js';
import { moment } from '../times.js';
import { type Advice, branchAt, type Known, openedOf } from './explanation.js';
import { heldBy, isPivotInDoubt } from './waiting.js';

/** What a person can do, with the command to type. */
export function whatYouCanDo(known: Known): readonly Advice[] {
  const { view } = known;
  const { xid } = view;
  if (isFinal(view.status)) return [{ text: 'See its whole log', command: `concordat tx show ${xid} --events` }];
  const parked = view.waitingOn.filter(({ dueAt }) => dueAt === null);
  return [
    ...participantsToMend(known),
    ...(parked.length > 0
      ? [{ text: 'Mend what stopped it, then have everything tried again', command: `concordat tx retry ${xid}` }]
      : []),
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
  return [...new Set(held.map(({ participant }) => participant))].map((name) => {
    const paused = known.participants.some((each) => each.name === name && each.paused);
    if (paused)
      return { text: `End the pause of '${name}': PUT /v1/participants/${name} with {"paused": false}`, command: null };
    const who = name === null ? 'the service behind that url' : `an instance of '${name}'`;
    return { text: `Start ${who}, or see why it does not answer`, command: 'concordat doctor' };
  });
}

/** What one person wants, and another has to want too. */
function proposed({ view, now }: Known): readonly Advice[] {
  const { proposal } = view;
  if (!proposal) return [];
  return proposal.branches.map(({ branch, as, reason }) => ({
    text: `Confirm what ${proposal.by} proposed (with a key of another name, before ${moment(proposal.expiresAt, now)}): branch ${branch} is ${as}, because ${reason}`,
    command: `concordat tx resolve ${view.xid} --branch ${branch} --as ${as} --reason "why"`,
  }));
}

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
  { id, kind }: BranchView,
  op: WaitingOn['op'],
): { readonly done: string; readonly skipped: string } {
  const phase = phaseOf(kind, op);
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
