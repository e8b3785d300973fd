/** Whether each coordinator keeps to the limits of a participant, as the wire sees it. */
import type { Command } from '../../sdk/protocol/commands.js';

export interface Limits {
  readonly concurrency: number;
  readonly perSecond: number | null;
}

/** The participant for which somebody set limits before anything began. */
export const limited = 'p0';

export class Limited {
  readonly #limits: Limits | null;
  readonly #violations: string[];
  readonly #inFlight = new Map<string, number>();
  readonly #begun = new Map<string, number[]>();

  constructor(limits: Limits | null, violations: string[]) {
    this.#limits = limits;
    this.#violations = violations;
  }

  /** A call begins. Returns what ends it; `wasSent`: it left at all. */
  begins(from: string, { target }: Command, at: number): (wasSent: boolean) => void {
    const limits = this.#limits;
    if (!limits || !('participant' in target) || target.participant !== limited) return () => undefined;
    const count = (this.#inFlight.get(from) ?? 0) + 1;
    this.#inFlight.set(from, count);
    if (count > limits.concurrency)
      this.#violations.push(`I14 ${from} has ${count} calls at once under way to ${limited}, at ${at}`);
    return (wasSent) => {
      this.#inFlight.set(from, (this.#inFlight.get(from) ?? 1) - 1);
      if (wasSent && limits.perSecond !== null) this.#counts(from, at, limits.perSecond + limits.concurrency);
    };
  }

  /** What was let go may leave a little later: as many as there is room for at once come on top of the rate. */
  #counts(from: string, at: number, room: number): void {
    const begun = this.#begun.get(from) ?? [];
    this.#begun.set(from, begun);
    begun.push(at);
    const count = begun.filter((other) => Math.abs(other - at) < 500).length;
    if (count > 1.1 * room + 1) this.#violations.push(`I14 ${from} begins ${count} calls to ${limited} around ${at}`);
  }
}
