/** Half of the time that counts as recent. */
const halfMs = 5000;

/** How the last calls ended: those of the last five to ten seconds. Pure: times are arguments, in ms that only grow. */
export class Recent {
  #half = { calls: 0, failures: 0 };
  #before = { calls: 0, failures: 0 };
  #beganAt = 0;

  note(failed: boolean, now: number): void {
    this.#turn(now);
    this.#half.calls++;
    if (failed) this.#half.failures++;
  }

  calls(now: number): number {
    this.#turn(now);
    return this.#half.calls + this.#before.calls;
  }

  /** The share of failures in [0, 1]; 0 without calls. */
  failureShare(now: number): number {
    const calls = this.calls(now);
    return calls === 0 ? 0 : (this.#half.failures + this.#before.failures) / calls;
  }

  clear(): void {
    this.#half = { calls: 0, failures: 0 };
    this.#before = { calls: 0, failures: 0 };
  }

  #turn(now: number): void {
    const passed = now - this.#beganAt;
    if (passed < halfMs) return;
    this.#before = passed < 2 * halfMs ? this.#half : { calls: 0, failures: 0 };
    this.#half = { calls: 0, failures: 0 };
    this.#beganAt = now;
  }
}
