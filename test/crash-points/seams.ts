/** The boundaries of a run, numbered as they are reached, and what befalls at them. */

/** Before and after each durable write, each send and each receive. `add`: to the queue; `take`: by a participant. */
export type Where =
  | 'before request'
  | 'before append'
  | 'after append'
  | 'before add'
  | 'after add'
  | 'before send'
  | 'after send'
  | 'before reply'
  | 'before take'
  | 'before work'
  | 'before commit'
  | 'after commit'
  | 'before answer';

/**
 * - `stop`: the process that is there dies; `stop-all`: every process dies, as where a coordinator lives inside its service.
 * - `…-once`: it fails once, though it was done or was not; `…-from-now`: so does all of that sort until a restart.
 * - `unknown-…`: the database does not say what became of the commit, and is asked once more.
 * - `gone`: the client never comes back.
 */
export type Fate =
  | 'stop'
  | 'stop-all'
  | 'not-done-once'
  | 'done-once'
  | 'not-done-from-now'
  | 'done-from-now'
  | 'unknown-not-done'
  | 'unknown-done'
  | 'gone';

const stops = ['stop', 'stop-all'] as const;
const failures = ['not-done-once', 'done-once', 'not-done-from-now', 'done-from-now'] as const;

/** What can befall where. What was sent to a queue is lost or is not: nobody is told that it was not. */
export const fates: Readonly<Record<Where, readonly Fate[]>> = Object.freeze({
  'before request': ['gone'],
  'before append': [...stops, ...failures, 'unknown-not-done', 'unknown-done'],
  'after append': stops,
  'before add': [...stops, 'not-done-once', 'not-done-from-now'],
  'after add': stops,
  'before send': [...stops, ...failures],
  'after send': stops,
  'before reply': stops,
  'before take': stops,
  'before work': [...stops, 'not-done-once', 'not-done-from-now'],
  'before commit': [...stops, ...failures],
  'after commit': stops,
  'before answer': stops,
});

/** At the so many-th boundary, from 1. */
export interface Strike {
  readonly at: number;
  readonly fate: Fate;
}

export class Seams {
  readonly reached: Where[] = [];
  readonly #strikes: readonly Strike[];
  #next = 0;

  /** By number, the lowest first. */
  constructor(strikes: readonly Strike[]) {
    this.#strikes = strikes;
  }

  /** One more boundary is reached. What befalls there; undefined: nothing. */
  at(where: Where): Fate | undefined {
    const number = this.reached.push(where);
    const strike = this.#strikes[this.#next];
    // What cannot befall there was meant for another boundary: it stays, and is told in the end.
    if (strike?.at !== number || !fates[where].includes(strike.fate)) return undefined;
    this.#next++;
    return strike.fate;
  }

  /** Strikes whose boundary was not reached, or was another one. */
  get left(): readonly Strike[] {
    return this.#strikes.slice(this.#next);
  }
}
