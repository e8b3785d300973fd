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

/**
 * What a call is for: `again`: one that was sent before. `end`: to end what was begun, by a commit or a rollback. `begin`:
 * anything else.
 */
export type Errand = 'again' | 'end' | 'begin';

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

/** Whether a target is back is tried by others when the calls that try it have not ended for so long. */
const trialMs = 5000;

/**
 * The calls to one target: who may go now, and the others first come, first served. With more work than a target may be
 * sent, what was begun is ended before more is begun: else all would be begun, and nothing ended in time.
 */
export class Lane {
  readonly #clock: Clock;
  readonly #breaker = new Breaker();
  readonly #recent = new Recent();
  readonly #budget: Bucket;
  readonly #lines: Readonly<Record<Errand, PlacesInLine>> = {
    again: new PlacesInLine(),
    end: new PlacesInLine(),
    begin: new PlacesInLine(),
  };
  #limits: Limits;
  #rate: Bucket | undefined;
  #taken = 0;
  /** Of those, begun before it was last tried whether the target is back, and when that was. They may take hours. */
  #earlier = 0;
  #triedSince = Number.NEGATIVE_INFINITY;
  /** When one of the others ended last. */
  #endedAt = Number.NEGATIVE_INFINITY;
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

  /** Goes at once; false when it has to wait. */
  tryEnter(errand: Errand): boolean {
    const now = this.#clock.monotonic();
    if (this.#lines[errand].size > 0 || this.#waitMs(errand, now) > 0) return false;
    this.#enter(errand, now);
    return true;
  }

  /** Waits behind all that wait already; when its turn comes it has entered. */
  wait(errand: Errand): Place {
    const place = this.#lines[errand].wait();
    this.#letGo();
    return place;
  }

  /**
   * A call ended, so another may go. `reply`: undefined when nothing was sent after all. `begunAt`: on the monotonic clock;
   * just now, unless it says otherwise.
   */
  exit(reply: Reply | undefined, begunAt = this.#clock.monotonic()): void {
    this.#taken--;
    const isEarlier = begunAt < this.#triedSince && this.#earlier > 0;
    if (isEarlier) this.#earlier--;
    else this.#endedAt = this.#clock.monotonic();
    this.#learn(reply, isEarlier);
    this.#letGo();
  }

  get isWell(): boolean {
    return this.#breaker.state === 'closed';
  }

  /** First attempts that wait while the target is well. */
  get waitingForRoom(): number {
    return this.isWell ? this.#lines.begin.size + this.#lines.end.size : 0;
  }

  health(): Health {
    const now = this.#clock.monotonic();
    // Its time is over, and nobody has come since to try: whoever comes next does.
    const isOver = this.#breaker.state === 'open' && this.#breaker.waitMs(now) === 0;
    const breaker = isOver ? 'half_open' : this.#breaker.state;
    return {
      breaker,
      since: this.#since,
      inFlight: this.#taken,
      held: this.#held,
      failureShare: breaker === 'open' ? 1 : this.#recent.failureShare(now),
      lastError: this.#lastError,
    };
  }

  stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  get #held(): number {
    const { again, end, begin } = this.#lines;
    return again.size + end.size + begin.size;
  }

  /** 0: it may go. Infinity: not before a call ends or the limits change. */
  #waitMs(errand: Errand, now: number): number {
    if (planted('lanes-without-limits')) return 0;
    const { paused, concurrency } = this.#limits;
    if (paused || this.#taken >= concurrency) return Number.POSITIVE_INFINITY;
    if (this.#breaker.state !== 'closed') {
      const room = this.#breaker.room(now);
      this.#noteState();
      if (this.#taken - this.#earlier >= room) {
        const waitMs = this.#breaker.waitMs(now) || Math.max(this.#triedSince, this.#endedAt) + trialMs - now;
        if (waitMs > 0) return waitMs;
        this.#tryAnew(now);
      }
    }
    const forBudget = errand === 'again' && this.#isFailing(now) ? this.#budget.waitMs(now) : 0;
    return Math.max(this.#rate?.waitMs(now) ?? 0, forBudget);
  }

  #enter(errand: Errand, now: number): void {
    this.#taken++;
    this.#rate?.take();
    if (errand !== 'again') this.#budget.add(budget.share);
    else if (this.#isFailing(now)) this.#budget.take();
  }

  #isFailing(now: number): boolean {
    if (planted('no-retry-budget')) return false;
    return this.#recent.failureShare(now) >= budget.fromShare && this.#recent.calls(now) >= budget.fromCalls;
  }

  #learn(reply: Reply | undefined, isEarlier: boolean): void {
    if (!reply || 'sent' in reply) {
      this.#rate?.add(1);
      return;
    }
    const now = this.#clock.monotonic();
    const failed = reply.kind === 'unknown';
    // How the target was says nothing of whether it is back.
    if (failed && isEarlier && this.#state === 'half_open') return;
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
    if (this.#state === 'half_open') this.#tryAnew(this.#clock.monotonic());
    // What failed before it opened says nothing of what comes after.
    this.#recent.clear();
  }

  #tryAnew(now: number): void {
    this.#earlier = this.#taken;
    this.#triedSince = now;
  }

  /** Repeats first: they came first. */
  #letGo(): void {
    if (this.#held === 0) return;
    const now = this.#clock.monotonic();
    const waitMs = Math.min(this.#letGoOf('again', now), this.#letGoOf('end', now), this.#letGoOf('begin', now));
    if (waitMs < Number.POSITIVE_INFINITY) this.#lookAgainAt(now + waitMs);
  }

  /** How long until the next may go; Infinity: not by the time alone, or nobody waits. */
  #letGoOf(errand: Errand, now: number): number {
    const line = this.#lines[errand];
    while (line.size > 0) {
      const waitMs = this.#waitMs(errand, now);
      if (waitMs > 0) return waitMs;
      this.#enter(errand, now);
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
