import { planted } from '#faults';
import type { BreakerState } from '../../sdk/protocol/views.js';
import type { Clock } from '../clock.js';
import { Breaker } from './breaker.js';
import { Bucket } from './bucket.js';
import type { Place } from './place.js';
import { PlacesInLine } from './places-in-line.js';
import { Recent } from './recent.js';
import type { Reply } from './transport.js';

/** What may be sent to one target by this process. */
export interface Limits {
  /** Calls at once. */
  readonly concurrency: number;
  /** Calls begun in a second; null: as many as there are. */
  readonly perSecond: number | null;
  /** Nothing is sent; what is under way ends. */
  readonly paused: boolean;
}

/** How the calls to one target go. */
export interface Health {
  readonly breaker: BreakerState;
  /** Since when it is so, UTC ms; null: since the first call. */
  readonly since: number | null;
  readonly inFlight: number;
  readonly held: number;
  /** Of the calls of the last five to ten seconds, in [0, 1]; of an open breaker 1. */
  readonly failureShare: number;
  readonly lastError: string | null;
}

/** With a rate, so many ms of it may come at once: timers are not finer. */
const burstMs = 100;
/**
 * While so many of the recent calls fail, repeats are held to a share of the first attempts and a few a second: they
 * would be most of what a target gets that can hardly answer.
 */
const budget = { fromShare: 0.2, fromCalls: 10, share: 0.2, perSecond: 10 };

/** The calls to one target: who may go now, and the others first come, first served. */
export class Lane {
  readonly #clock: Clock;
  readonly #breaker = new Breaker();
  readonly #recent = new Recent();
  readonly #budget: Bucket;
  readonly #first = new PlacesInLine();
  readonly #again = new PlacesInLine();
  #limits: Limits;
  #rate: Bucket | undefined;
  #taken = 0;
  #since: number | null = null;
  #state: BreakerState = 'closed';
  #lastError: string | null = null;
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#budget = new Bucket(budget.perSecond, budget.perSecond, clock.monotonic());
    this.#rate = rateOf(limits, clock.monotonic());
  }

  /** Nothing is under way, and nothing waits. */
  get isIdle(): boolean {
    return this.#taken === 0 && this.#held === 0;
  }

  limit(limits: Limits): void {
    const { perSecond } = this.#limits;
    this.#limits = limits;
    if (limits.perSecond !== perSecond) this.#rate = rateOf(limits, this.#clock.monotonic());
    this.#letGo();
  }

  /** Goes at once; false when it has to wait. `isRepeat`: the command was sent before. */
  tryEnter(isRepeat: boolean): boolean {
    const now = this.#clock.monotonic();
    if ((isRepeat ? this.#again : this.#first).size > 0 || this.#waitMs(isRepeat, now) > 0) return false;
    this.#enter(isRepeat, now);
    return true;
  }

  /** Waits behind all that wait already; when its turn comes it has entered. */
  wait(isRepeat: boolean): Place {
    const place = (isRepeat ? this.#again : this.#first).wait();
    this.#letGo();
    return place;
  }

  /** A call ended, so another may go. `reply`: undefined when nothing was sent after all. */
  exit(reply: Reply | undefined): void {
    this.#taken--;
    this.#learn(reply);
    this.#letGo();
  }

  /** First attempts that wait while the target is well. */
  get waitingForRoom(): number {
    return this.#breaker.state === 'closed' ? this.#first.size : 0;
  }

  health(): Health {
    const isOpen = this.#breaker.state === 'open';
    return {
      breaker: this.#breaker.state,
      since: this.#since,
      inFlight: this.#taken,
      held: this.#held,
      failureShare: isOpen ? 1 : this.#recent.failureShare(this.#clock.monotonic()),
      lastError: this.#lastError,
    };
  }

  stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  get #held(): number {
    return this.#first.size + this.#again.size;
  }

  /** 0: it may go. Infinity: not before a call ends or the limits change. */
  #waitMs(isRepeat: boolean, now: number): number {
    if (planted('lanes-without-limits')) return 0;
    const { paused, concurrency } = this.#limits;
    if (paused || this.#taken >= concurrency) return Number.POSITIVE_INFINITY;
    if (this.#breaker.state !== 'closed') {
      const room = this.#breaker.room(now);
      this.#noteState();
      if (this.#taken >= room) return this.#breaker.waitMs(now) || Number.POSITIVE_INFINITY;
    }
    const forBudget = isRepeat && this.#isFailing(now) ? this.#budget.waitMs(now) : 0;
    return Math.max(this.#rate?.waitMs(now) ?? 0, forBudget);
  }

  #enter(isRepeat: boolean, now: number): void {
    this.#taken++;
    this.#rate?.take();
    if (!isRepeat) this.#budget.add(budget.share);
    else if (this.#isFailing(now)) this.#budget.take();
  }

  #isFailing(now: number): boolean {
    if (planted('no-retry-budget')) return false;
    return this.#recent.failureShare(now) >= budget.fromShare && this.#recent.calls(now) >= budget.fromCalls;
  }

  #learn(reply: Reply | undefined): void {
    if (!reply || 'sent' in reply) {
      this.#rate?.add(1);
      return;
    }
    const now = this.#clock.monotonic();
    const failed = reply.kind === 'unknown';
    this.#recent.note(failed, now);
    if (failed) {
      this.#lastError = reply.error;
      this.#breaker.failed(now, this.#limits.concurrency, 'retryAfterMs' in reply ? reply.retryAfterMs : 0);
    } else this.#breaker.answered(now, this.#limits.concurrency);
    this.#noteState();
  }

  #noteState(): void {
    if (this.#breaker.state === this.#state) return;
    this.#state = this.#breaker.state;
    this.#since = this.#clock.now();
    // What failed before it opened says nothing of what comes after.
    this.#recent.clear();
  }

  /** Repeats first: they came first. */
  #letGo(): void {
    if (this.#held === 0) return;
    const now = this.#clock.monotonic();
    const waitMs = Math.min(this.#letGoOf(this.#again, true, now), this.#letGoOf(this.#first, false, now));
    if (waitMs < Number.POSITIVE_INFINITY) this.#lookAgainAt(now + waitMs);
  }

  /** How long until the next may go; Infinity: not by the time alone, or nobody waits. */
  #letGoOf(line: PlacesInLine, isRepeat: boolean, now: number): number {
    while (line.size > 0) {
      const waitMs = this.#waitMs(isRepeat, now);
      if (waitMs > 0) return waitMs;
      this.#enter(isRepeat, now);
      line.tellNext();
    }
    return Number.POSITIVE_INFINITY;
  }

  #lookAgainAt(at: number): void {
    if (this.#timer && this.#timer.at <= at) return;
    this.stopTimer();
    const cancel = this.#clock.after(at - this.#clock.monotonic(), () => {
      this.#timer = undefined;
      this.#letGo();
    });
    this.#timer = { at, cancel };
  }
}

function rateOf({ perSecond }: Limits, now: number): Bucket | undefined {
  return perSecond === null ? undefined : new Bucket(perSecond, Math.max(1, (perSecond * burstMs) / 1000), now);
}
