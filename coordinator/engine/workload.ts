/** What there is to do, and how long that takes of late. */
export interface Load {
  /** Transactions with something on its way into the log. */
  readonly busy: number;
  /** From what came in until it is in the log. */
  readonly appendMs: number;
}

/** How much one append counts for what is of late. */
const weight = 1 / 64;

export class Workload implements Load {
  busy = 0;
  appendMs = 0;

  begin(now: number): number {
    this.busy++;
    return now;
  }

  end(began: number, now: number): void {
    this.busy--;
    this.appendMs += (now - began - this.appendMs) * weight;
  }
}
