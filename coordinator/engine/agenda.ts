import { planted } from '#faults';
import type { Command } from '../../sdk/protocol/commands.js';
import type { CoordinatorId } from '../../sdk/protocol/ids.js';
import { type Outstanding, openDeadline, outstanding } from '../decide/outstanding.js';
import type { State } from '../decide/state.js';
import type { Hands } from './hands.js';

/**
 * What a command that waited is for, where it is still asked of this coordinator. It left its own time behind, so only
 * the owner sends it: anybody else would count it as expired meanwhile.
 */
export function stillToSend(state: State, { body, attempt }: Command, me: CoordinatorId): Outstanding | undefined {
  if (state.owner !== me) return undefined;
  return outstanding(state).find(
    ({ branch, work, awaited }) =>
      !awaited && branch === body.branch && work.op === body.op && work.attempt === attempt && work.by === me,
  );
}

/** What a state asks of one coordinator, now and next. */
export interface Agenda {
  readonly send: readonly Outstanding[];
  /** Their outcome will not come any more. */
  readonly gone: readonly { readonly one: Outstanding; readonly error: string }[];
  /** Branches whose command need not be sent if it was not. */
  readonly recall: readonly number[];
  readonly deadlineCame: boolean;
  /** UTC ms; Infinity: something has to come in first. */
  readonly next: number;
}

/**
 * Pure. Who appended last looks after the deadline and after the commands of others; everybody sends only what he
 * himself made due, and only one command of a branch at a time. `now`: what the newest row made due is due, also where the
 * clock was set back since; the deadline has come when it has by the clock, as the mind would say.
 */
export function agendaOf(state: State, hands: Hands, me: CoordinatorId, now: number, clockNow = now): Agenda {
  const send: Outstanding[] = [];
  const gone: { one: Outstanding; error: string }[] = [];
  const recall: number[] = [];
  const isOwner = state.owner === me;
  const deadline = (isOwner ? openDeadline(state) : null) ?? Number.POSITIVE_INFINITY;
  let next = deadline > now ? deadline : Number.POSITIVE_INFINITY;
  for (const one of outstanding(state)) {
    const { work, awaited, expiresAt, branch } = one;
    const isMine = work.by === me;
    if (hands.holds(branch) && !planted('rollback-while-forward-in-flight')) {
      if (awaited) recall.push(branch);
    } else if (isMine && awaited) {
      gone.push({ one, error: 'it was not sent any more' });
    } else if (isMine && work.dueAt > now) {
      next = Math.min(next, work.dueAt);
    } else if (isMine) {
      // The owner waits until it expires, so one that is late is left to him.
      if (isOwner || now - work.dueAt <= (expiresAt - work.dueAt) / 2) send.push(one);
    } else if (isOwner && expiresAt <= now) {
      gone.push({ one, error: 'no outcome by the time it expired' });
    } else if (isOwner) {
      next = Math.min(next, expiresAt);
    }
  }
  return { send, gone, recall, deadlineCame: deadline <= clockNow, next };
}
