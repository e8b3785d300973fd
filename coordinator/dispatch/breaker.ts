/**
 * Leaves a target alone that answers nobody, and lets it come back slowly.
 * - closed: all is well. Opens when nobody has answered for a second and so many calls in a row failed, or when the
 *   target asked to be left alone (`Retry-After`). As long as anybody is answered it stays closed: one handler, one
 *   instance or one transaction that fails is held back by its own backoff and by the retry budget.
 * - open: nothing is sent, for half a second at first, twice as long each time it fails again, five seconds at most; as
 *   long as the target asked for, a minute at most.
 * - half_open: one call is let through. When it is answered, twice as many at once, and again each time that most of a
 *   round were answered, until there is room for all; when most of a round failed, it opens again. Who sends them
 *   does not wait for ever for a round to end (`lane.ts`).
 * Pure: times are arguments, in ms that only grow.
 */
import { planted } from '#faults';
import type { BreakerState } from '../../sdk/protocol/views.js';

const failuresInRowMax = 10;
const silenceMs = 1000;
const openMs = { first: 500, most: 5000, asked: 60_000 };

export class Breaker {
  #state: BreakerState = 'closed';
  #failuresInRow = 0;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #openUntil = 0;
  #nextOpenMs = openMs.first;
  /** While half open: calls at once, and how those of this round ended. */
  #allowed = 1;
  #answers = 0;
  #failures = 0;

  get state(): BreakerState {
    return this.#state;
  }

  /** How many calls may be under way at once. */
  room(now: number): number {
    if (this.#state === 'closed') return Number.POSITIVE_INFINITY;
    if (this.#state === 'open') {
      if (now < this.#openUntil) return 0;
      this.#state = 'half_open';
      this.#beginRound(1);
    }
    return this.#allowed;
  }

  /** How long until it lets one through; 0: it is not open. */
  waitMs(now: number): number {
    return this.#state === 'open' ? Math.max(this.#openUntil - now, 0) : 0;
  }

  /** A call was answered, whatever the answer. `width`: how many there is room for at once when all is well. */
  answered(now: number, width: number): void {
    this.#failuresInRow = 0;
    this.#answeredAt = now;
    if (this.#state !== 'half_open') return;
    this.#answers++;
    this.#endRound(now, width);
  }

  /** A call got no answer that counts as one. `retryAfterMs`: how long it asked to be left alone. */
  failed(now: number, width: number, retryAfterMs = 0): void {
    this.#failuresInRow++;
    if (planted('no-breaker')) return;
    const isSilent = now - this.#answeredAt >= silenceMs;
    if (this.#state === 'half_open') {
      this.#failures++;
      if (retryAfterMs > 0 && isSilent) this.#open(now, retryAfterMs);
      else this.#endRound(now, width);
    } else if (this.#state === 'open') {
      this.#openUntil = Math.max(this.#openUntil, now + Math.min(retryAfterMs, openMs.asked));
    } else if (isSilent && (this.#failuresInRow >= failuresInRowMax || retryAfterMs > 0)) {
      this.#open(now, retryAfterMs);
    }
  }

  #endRound(now: number, width: number): void {
    if (this.#answers + this.#failures < this.#allowed) return;
    if (this.#failures >= this.#answers) this.#open(now, 0);
    else if (this.#allowed * 2 >= width) this.#close();
    else this.#beginRound(this.#allowed * 2);
  }

  #beginRound(allowed: number): void {
    this.#allowed = allowed;
    this.#answers = 0;
    this.#failures = 0;
  }

  #open(now: number, askedMs: number): void {
    this.#state = 'open';
    this.#openUntil = now + Math.max(this.#nextOpenMs, Math.min(askedMs, openMs.asked));
    this.#nextOpenMs = Math.min(this.#nextOpenMs * 2, openMs.most);
  }

  #close(): void {
    this.#state = 'closed';
    this.#nextOpenMs = openMs.first;
  }
}
