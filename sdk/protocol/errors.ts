/**
 * Every error that the coordinator answers with, by its stable code. `docs/errors.md` is generated from this table.
 * `retryable`: the same request may succeed later.
 */
export const errors = {
  invalid_request: { status: 400, retryable: false, title: 'The request is not valid' },
  invalid_json: { status: 400, retryable: false, title: 'The body is not valid JSON' },
  unauthorized: { status: 401, retryable: false, title: 'An API key is needed' },
  forbidden: { status: 403, retryable: false, title: 'The key does not allow this' },
  token_invalid: { status: 403, retryable: false, title: 'The command token is not valid here' },
  transaction_not_found: { status: 404, retryable: false, title: 'No such transaction' },
  branch_not_found: { status: 404, retryable: false, title: 'No such branch' },
  route_not_found: { status: 404, retryable: false, title: 'No such path' },
  method_not_allowed: { status: 405, retryable: false, title: 'The path does not take this method' },
  request_timeout: { status: 408, retryable: true, title: 'The request took too long' },
  xid_conflict: { status: 409, retryable: false, title: 'The xid is taken by another transaction' },
  branch_conflict: { status: 409, retryable: false, title: 'The branch id is taken by another branch' },
  already_decided: { status: 409, retryable: false, title: 'The opposite is decided' },
  driven_by_plan: { status: 409, retryable: false, title: 'The coordinator drives this plan' },
  transaction_not_active: { status: 409, retryable: false, title: 'The transaction takes no more work' },
  transaction_purged: { status: 409, retryable: false, title: 'The transaction is finished and was purged' },
  transaction_finished: { status: 409, retryable: false, title: 'The transaction is finished' },
  outcome_unknown: { status: 409, retryable: true, title: "The pivot's outcome is not known yet" },
  outcome_contradicts: { status: 409, retryable: false, title: 'Another outcome is recorded' },
  command_in_flight: { status: 409, retryable: true, title: 'The last command may still take effect' },
  branch_not_parked: { status: 409, retryable: false, title: 'Only a parked branch can be resolved' },
  kind_conflict: { status: 409, retryable: true, title: 'A handler is registered with another kind' },
  too_large: { status: 413, retryable: false, title: 'The body is too large' },
  unsupported_media_type: { status: 415, retryable: false, title: 'The body must be application/json' },
  misdirected: { status: 421, retryable: false, title: 'This name does not lead here' },
  too_many_branches: { status: 422, retryable: false, title: 'The transaction has too many branches' },
  overloaded: { status: 429, retryable: true, title: 'The coordinator has more work than it can do' },
  headers_too_large: { status: 431, retryable: false, title: 'The headers are too large' },
  log_corrupt: { status: 500, retryable: false, title: 'The log of this transaction cannot be read' },
  internal: { status: 500, retryable: true, title: 'The coordinator failed' },
  not_available: { status: 501, retryable: false, title: 'Not available yet' },
  store_unavailable: { status: 503, retryable: true, title: 'The store does not answer' },
  too_many_watchers: { status: 503, retryable: true, title: 'Too many streams are open' },
  stopping: { status: 503, retryable: true, title: 'The coordinator is stopping' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>;

export type ErrorCode = keyof typeof errors;

/** One finding in bad input: a JSON pointer into the body (or the name of a parameter) and what is wrong there. */
export interface InputError {
  readonly pointer: string;
  readonly message: string;
}

/** An error of the catalogue. `message` says what was expected, what came, and what to do. */
export class ConcordatError extends Error {
  override readonly name = 'ConcordatError';
  readonly code: ErrorCode;
  readonly details: readonly InputError[];
  /** Whether the request was sent before and got no answer: what was asked may have been done, whatever this one says. */
  readonly wasSent: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    details: readonly InputError[] = [],
    { wasSent = false }: { readonly wasSent?: boolean } = {},
  ) {
    super(message);
    this.code = code;
    this.details = details;
    this.wasSent = wasSent;
  }
}
