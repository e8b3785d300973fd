import type { Target } from '../../sdk/protocol/commands.js';
import type { Clock } from '../clock.js';
import { type Health, Lane, type Limits } from './lane.js';

/** So many lanes of URLs are kept that nothing goes on in; the oldest are let go of. */
const idleMax = 1000;

const unknown: Health = Object.freeze({
  breaker: 'closed',
  since: null,
  inFlight: 0,
  held: 0,
  failureShare: 0,
  lastError: null,
});

/** A lane for each target: a slow, dead or hostile one delays no other. */
export class Lanes {
  readonly #clock: Clock;
  readonly #usual: Limits;
  readonly #limited = new Map<string, Limits>();
  readonly #lanes = new Map<string, Lane>();

  /** `concurrency`: calls to one target at once that nobody set a limit for. */
  constructor(clock: Clock, concurrency: number) {
    this.#clock = clock;
    this.#usual = Object.freeze({ concurrency, perSecond: null, paused: false });
  }

  of(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known) return known;
    if (this.#lanes.size >= idleMax) this.#forgetIdle();
    const lane = new Lane(this.#clock, this.limitsOf(name));
    this.#lanes.set(name, lane);
    return lane;
  }

  /** Names of targets that something was sent to, or that have limits of their own. */
  names(): readonly string[] {
    return [...new Set([...this.#lanes.keys(), ...this.#limited.keys()])];
  }

  limitsOf(name: string): Limits {
    return this.#limited.get(name) ?? this.#usual;
  }

  /** What somebody set, undefined for what holds usually; null takes all of it away. */
  limit(name: string, set: { readonly [Limit in keyof Limits]: Limits[Limit] | null } | null): void {
    if (set)
      this.#limited.set(name, {
        ...set,
        concurrency: set.concurrency ?? this.#usual.concurrency,
        paused: set.paused ?? false,
      });
    else this.#limited.delete(name);
    this.#lanes.get(name)?.limit(this.limitsOf(name));
  }

  /** Commands that wait for room at targets that are well and that nobody limited. */
  waitingForRoom(): number {
    let count = 0;
    for (const [name, lane] of this.#lanes) if (!this.#limited.has(name)) count += lane.waitingForRoom;
    return count;
  }

  /** Whether nobody limited a target, and its breaker is closed. */
  isWell(name: string): boolean {
    return !this.#limited.has(name) && (this.#lanes.get(name)?.isWell ?? true);
  }

  healthOf(name: string): Health {
    return this.#lanes.get(name)?.health() ?? unknown;
  }

  /** Nothing is let go by the time any more. */
  stop(): void {
    for (const lane of this.#lanes.values()) lane.stopTimer();
  }

  /** Those of a participant stay: there are only so many, and how they went is shown. */
  #forgetIdle(): void {
    for (const [name, lane] of this.#lanes)
      if (isOrigin(name) && lane.isIdle && !this.#limited.has(name)) this.#lanes.delete(name);
  }
}

/** Names of participants have no colon. */
const isOrigin = (name: string): boolean => name.includes(':');

/** Origins by how they were written: parsing a URL costs more than the rest of a dispatch. */
const origins = new Map<string, string>();
const plain = /^https?:\/\/[^/\\]+/;

/** A participant's name, or the web origin of a URL however it is written. */
export function laneOf(target: Target): string {
  if ('participant' in target) return target.participant;
  const [written] = plain.exec(target.url) ?? [target.url];
  const known = origins.get(written);
  if (known) return known;
  if (origins.size >= idleMax) origins.clear();
  const { origin } = new URL(written);
  origins.set(written, origin);
  return origin;
}
