import type { Target } from '../../sdk/protocol/commands.js';
import { openPlace, type Place, type Turn } from './place.js';
import type { Reply } from './transport.js';

/** Tells where commands can go now. */
export interface Presence {
  /** Whether somebody is there who takes the commands of a target. */
  reaches(target: Target): boolean;
  /** Calls back with the name of a participant when somebody came who takes its commands. */
  watch(onCame: (participant: string) => void): void;
}

/** Every target is worth a try. */
export const everywhere: Presence = Object.freeze({ reaches: () => true, watch: () => undefined });

type Handler = Exclude<Target, { readonly url: string }>;

/** Where commands wait that nobody is there for: not sent, and no attempt. */
export class Absence {
  readonly #waiting = new Map<string, Map<string, Set<(turn: Turn) => boolean>>>();

  wait({ participant, handler }: Handler): Place {
    const byHandler = this.#waiting.get(participant) ?? new Map<string, Set<(turn: Turn) => boolean>>();
    this.#waiting.set(participant, byHandler);
    const waiting = byHandler.get(handler) ?? new Set();
    byHandler.set(handler, waiting);
    const { place, tell } = openPlace(() => {
      waiting.delete(tell);
      if (waiting.size === 0) this.#forget(participant, handler, waiting);
    });
    waiting.add(tell);
    return place;
  }

  /** Lets go, first come, first served, whatever waits for a participant and is reached now. */
  came(participant: string, presence: Presence): void {
    for (const [handler, waiting] of this.#waiting.get(participant) ?? []) {
      if (!presence.reaches({ participant, handler })) continue;
      this.#forget(participant, handler, waiting);
      for (const tell of waiting) tell('go');
    }
  }

  /** How many wait for a participant. */
  count(participant: string): number {
    let count = 0;
    for (const waiting of this.#waiting.get(participant)?.values() ?? []) count += waiting.size;
    return count;
  }

  #forget(participant: string, handler: string, waiting: ReadonlySet<unknown>): void {
    const byHandler = this.#waiting.get(participant);
    if (byHandler?.get(handler) !== waiting) return;
    byHandler.delete(handler);
    if (byHandler.size === 0) this.#waiting.delete(participant);
  }
}

/** Stands for the reply of a command that had nowhere to go after all: its instance left while it was on its way out. */
export const unplaced: Reply = Object.freeze({
  kind: 'unknown',
  error: 'not sent: nobody is there to take it',
  sent: false,
});
