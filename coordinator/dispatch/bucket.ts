/** Tokens that come at a rate, up to so many at once. Pure: times are arguments, in ms that only grow. */
export class Bucket {
  readonly #perSecond: number;
  readonly #most: number;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, most: number, now: number) {
    this.#perSecond = perSecond;
    this.#most = most;
    this.#tokens = most;
    this.#filledAt = now;
  }

  /** How long until there is a token; 0: there is one now. */
  waitMs(now: number): number {
    this.#fill(now);
    // What is a hair short of a token is one: sums of fractions never quite meet it.
    return this.#tokens > 0.999_999 ? 0 : ((1 - this.#tokens) * 1000) / this.#perSecond;
  }

  take(): void {
    this.#tokens--;
  }

  /** Puts in more: a token that was not used, or a share of something else. */
  add(tokens: number): void {
    this.#tokens = Math.min(this.#most, this.#tokens + tokens);
  }

  #fill(now: number): void {
    if (now <= this.#filledAt) return;
    this.add(((now - this.#filledAt) * this.#perSecond) / 1000);
    this.#filledAt = now;
  }
}
