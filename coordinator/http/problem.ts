/** Errors as RFC 9457 problems. */
import { ConcordatError, type ErrorCode, errors } from '../../sdk/protocol/errors.js';
import { StoreError } from '../store/store.js';
import type { Answer } from './route.js';

/** Seconds after which a 429 or a 503 may be tried again. */
const retryAfterSeconds = '1';

/** An error that carries headers of its own, such as `Allow`. */
export class AnsweredError extends ConcordatError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, headers: Readonly<Record<string, string>>) {
    super(code, message);
    this.headers = headers;
  }
}

/** Whatever was thrown, as an error of the catalogue. What nobody expected tells nothing of itself. */
export function toConcordat(error: unknown): ConcordatError {
  if (error instanceof ConcordatError) return error;
  if (error instanceof StoreError) return fromStore(error);
  return new ConcordatError('internal', 'the coordinator failed; its log has the reason under the request id');
}

function fromStore({ kind, message }: StoreError): ConcordatError {
  switch (kind) {
    case 'bad_cursor':
      return new ConcordatError('invalid_request', `cursor: ${message}`, [{ pointer: 'cursor', message }]);
    case 'closed':
      return new ConcordatError('stopping', 'the coordinator is stopping');
    case 'unstorable':
      return new ConcordatError('too_large', 'the store cannot take this as it is');
    default:
      return new ConcordatError('store_unavailable', 'the store does not answer; try again');
  }
}

/** The type of a problem: a name, not an address. */
export const typeOf = (code: ErrorCode): string => `urn:concordat:error:${code}`;

export function problem(error: ConcordatError): Answer {
  const { code, message, details } = error;
  const { status, title, retryable } = errors[code];
  return {
    status,
    body: {
      type: typeOf(code),
      title,
      status,
      detail: message,
      code,
      retryable,
      ...(details.length > 0 && { errors: details }),
    },
    headers: {
      'content-type': 'application/problem+json',
      ...((status === 503 || status === 429) && { 'retry-after': retryAfterSeconds }),
      ...(error instanceof AnsweredError && error.headers),
    },
  };
}
