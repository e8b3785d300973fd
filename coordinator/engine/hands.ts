import type { Command } from '../../sdk/protocol/commands.js';
import type { Op } from '../../sdk/protocol/kinds.js';

/** A command that this process handed on, or an outcome that it is about to write; nothing else is asked of the branch. */
export interface InHand {
  readonly branch: number;
  readonly op: Op;
  readonly attempt: number;
  /** Of the lease under which it was handed on. */
  readonly term: number;
  /** On the monotonic clock: something should have come back by then. Infinity once something did. */
  overdueAt: number;
  /** How long it may be under way from when it is sent. */
  readonly callMs: number;
  /** It was overdue at the last look. */
  missed: boolean;
}

/** It has its full time from here: it is sent now. */
export function countFrom(inHand: InHand, monotonic: number): void {
  inHand.overdueAt = monotonic + inHand.callMs;
  inHand.missed = false;
}

/** The store's clock may have been set back since it was made: it is still not waited for longer than it is in hand. */
export function withinCall(command: Command, { callMs }: InHand, now: number): Command {
  return command.expiresAt - now > callMs ? { ...command, expiresAt: now + callMs } : command;
}

/** Its outcome, or that it has none, is on its way into the log: it is not sent any more. */
export const isGivenUp = ({ overdueAt }: InHand): boolean => overdueAt === Number.POSITIVE_INFINITY;

/** The commands of one transaction that are in the hands of this process: at most one a branch. */
export class Hands {
  readonly #byBranch = new Map<number, InHand>();

  get size(): number {
    return this.#byBranch.size;
  }

  holds(branch: number): boolean {
    return this.#byBranch.has(branch);
  }

  take(inHand: InHand): void {
    this.#byBranch.set(inHand.branch, inHand);
  }

  /** What is in hand of exactly this command; undefined when it was given up on. */
  find({ body, attempt }: Command): InHand | undefined {
    const found = this.#byBranch.get(body.branch);
    return found?.op === body.op && found.attempt === attempt ? found : undefined;
  }

  /** False when it was not in hand any more. */
  drop(inHand: InHand): boolean {
    return this.#byBranch.get(inHand.branch) === inHand && this.#byBranch.delete(inHand.branch);
  }

  /** What has been overdue for a whole look: one look is not enough, as the process may just have been stopped itself. */
  overdue(monotonic: number): readonly InHand[] {
    const found: InHand[] = [];
    for (const inHand of this.#byBranch.values()) {
      if (inHand.overdueAt > monotonic) continue;
      if (inHand.missed) found.push(inHand);
      inHand.missed = true;
    }
    return found;
  }
}
