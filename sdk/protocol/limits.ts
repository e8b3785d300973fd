/** Units last: `…Ms` is milliseconds, `…Bytes` is bytes of UTF-8. */
export const limits = Object.freeze({
  bodyBytes: 1024 * 1024,
  stepsMax: 1000,
  /** Entries of all `after` of a plan together: what walks a plan takes time by them. */
  linksMax: 10_000,
  stepInputBytes: 256 * 1024,
  outcomeBodyBytes: 1024 * 1024,
  /** What the references of one input are filled with: one output of any size fits, many large ones do not. */
  filledBytes: 2 * 1024 * 1024,
  /** What branches and outputs add to a transaction after it was opened: whoever reads or shows it holds all of it. */
  grownBytes: 16 * 1024 * 1024,
  metadataBytes: 16 * 1024,
  /** Of one participant. */
  handlersMax: 1000,
  /** How long a registration holds without a heartbeat. */
  ttlMinMs: 1000,
  ttlMaxMs: 24 * 3600 * 1000,
  /** Commands of one request to a host that takes batches, and the bytes of it. */
  batchMax: 128,
  batchBytes: 1024 * 1024,
  /** What a host answers to one batch, all outcomes together. */
  batchAnswerBytes: 16 * 1024 * 1024,
  /** What an operator may allow one participant: calls at once, and calls begun in a second. */
  concurrencyMax: 1024,
  perSecondMin: 0.01,
  perSecondMax: 1_000_000,
  waitSecondsMax: 60,
  /** Streams that a coordinator keeps open, and what may wait in each for a slow reader. */
  streamsMax: 200,
  streamBytes: 1024 * 1024,
  /** How long what one person wants waits for a second, where two are needed. */
  proposalMs: 3600 * 1000,
  listMax: 500,
  /** Outputs that one page of a list shows, all transactions together. */
  pageBytes: 8 * 1024 * 1024,
  /** The longest deadline, delay or backoff that can be asked for. */
  durationMaxMs: 365 * 24 * 3600 * 1000,
});

/** When a failed op is tried again: full jitter over `initialMs · factor^n`, at most `maxMs`. */
export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
}

/** A forward op's retries: {@link Backoff} for at most `attemptsMax` failures. */
export interface Retry extends Backoff {
  readonly attemptsMax: number;
}

const backoff: Backoff = Object.freeze({ initialMs: 100, maxMs: 60_000, factor: 2 });

/** What holds when a request does not say otherwise. Resolved into a transaction's first event, so a change never touches old ones. */
export const defaults = Object.freeze({
  /** Deadline when the initiator drives and for plans with tcc, xa or at; other plans have none. */
  deadlineMs: 60_000,
  /** Of one call, from the log's due time to the last byte of the answer. */
  callMs: 10_000,
  retry: Object.freeze({ ...backoff, attemptsMax: 50 }) as Retry,
  /** Commit and rollback ops: the same backoff, no count. */
  backoff,
  /** How long a commit or rollback op is retried before its branch parks. */
  parkAfterMs: 24 * 3600 * 1000,
  /** How long a participant may answer `pending` to one op before that counts as no answer. */
  pendingForMs: 24 * 3600 * 1000,
  /** How often in a row a command may be in flight when its coordinator dies, before its branch is given up on. */
  crashesMax: 10,
  /** The longest `Retry-After` that is honoured. */
  retryAfterMaxMs: 300_000,
  /** Calls to one participant at once, by one coordinator. */
  concurrency: 256,
  branchWaitMs: 30_000,
  leaseMs: 10_000,
  sweepMs: 1000,
});
