import type { Command } from '../../sdk/protocol/commands.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Input } from '../decide/inputs.js';
import { commandFor, type Outstanding } from '../decide/outstanding.js';
import type { State } from '../decide/state.js';
import { agendaOf } from './agenda.js';
import type { Entry } from './entry.js';
import type { InHand } from './hands.js';
import type { EngineParts } from './parts.js';
import { noOutcome } from './replies.js';

export interface AttentionParts extends EngineParts {
  /** Queues an input of the engine's own. */
  readonly push: (entry: Entry, input: Input, answers?: InHand) => void;
  /** It cannot be looked after now; somebody must look again. */
  readonly doubt: (entry: Entry) => void;
  readonly wake: (xid: Xid) => void;
}

/** Does what a durable state asks of this process, and sees to it that what is due later is not forgotten. */
export class Attention {
  readonly #parts: AttentionParts;

  constructor(parts: AttentionParts) {
    this.#parts = parts;
  }

  attend(entry: Entry): void {
    const { state } = entry;
    entry.stopTimer();
    entry.lookAt = Number.POSITIVE_INFINITY;
    if (!state || state.ended) return;
    const { me, clock, leaseTerm, recall, push, doubt } = this.#parts;
    const term = leaseTerm();
    // Without a lease somebody else may own it by now: look again when it is renewed.
    if (term === undefined) {
      doubt(entry);
      return;
    }
    // The store's clock may have been set back since: what its row made due is due.
    const now = Math.max(clock.now(), state.at);
    const agenda = agendaOf(state, entry.hands, me, now, clock.now());
    for (const branch of agenda.recall) recall(entry.xid, branch);
    this.#handOn(entry, state, agenda.send, now, term);
    this.#setTimer(entry, agenda.next, now);
    for (const { one, error } of agenda.gone) {
      const inHand = inHandOf(one, term, Number.POSITIVE_INFINITY);
      entry.hands.take(inHand);
      push(entry, noOutcome(inHand, error), inHand);
    }
    const isPushed = entry.inputs.some(({ input }) => input.type === 'deadline');
    if (agenda.deadlineCame && !isPushed) push(entry, { type: 'deadline' });
  }

  #handOn(entry: Entry, state: State, send: readonly Outstanding[], now: number, term: number): void {
    if (send.length === 0) return;
    const { clock, queue } = this.#parts;
    const commands: Command[] = [];
    for (const one of send) {
      const command = commandFor(state, one, now);
      if (!command) continue;
      commands.push(command);
      entry.hands.take(inHandOf(one, term, clock.monotonic() + one.expiresAt - one.work.dueAt));
    }
    queue.add(commands);
  }

  #setTimer(entry: Entry, at: number, now: number): void {
    const { clock, horizonMs, wake } = this.#parts;
    entry.lookAt = at;
    if (at - now > horizonMs) return;
    entry.cancelTimer = clock.after(at - now, () => {
      entry.cancelTimer = undefined;
      wake(entry.xid);
    });
  }
}

const inHandOf = ({ branch, work, expiresAt }: Outstanding, term: number, overdueAt: number): InHand => ({
  branch,
  op: work.op,
  attempt: work.attempt,
  term,
  overdueAt,
  callMs: expiresAt - work.dueAt,
  missed: false,
});
