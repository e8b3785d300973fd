/** What a handler may throw instead of answering, and what a caller of a handler is thrown. */

/**
 * A business no. Thrown by a forward op it is final: the work is rolled back and the answer kept with the branch. Thrown
 * by a commit or rollback op it means "cannot be done as things stand", and parks the branch. The caller of a remote gets
 * one too.
 */
export class Refused extends Error {
  override readonly name = 'Refused';
  /** Stable, for programs: `insufficient_funds`. */
  readonly code: string | undefined;

  /** `reason` is for people. */
  constructor(reason: string, options: { readonly code?: string | undefined } = {}) {
    super(reason);
    this.code = options.code;
  }
}

/** Not yet: the coordinator asks again after `retryAfterMs`, or is told with a late outcome before that. */
export class Pending extends Error {
  override readonly name = 'Pending';
  readonly retryAfterMs: number;

  constructor({ retryAfterMs }: { readonly retryAfterMs: number }) {
    if (!Number.isFinite(retryAfterMs) || retryAfterMs < 0)
      throw new TypeError(`retryAfterMs: expected milliseconds from 0, got ${retryAfterMs}`);
    super(`not yet: ask again in ${retryAfterMs} ms`);
    this.retryAfterMs = retryAfterMs;
  }
}
