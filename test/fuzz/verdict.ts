import { type ErrorCode, errors } from '../../sdk/protocol/errors.js';
import type { Answer } from './wire.js';

/** What is wrong with an answer, whatever was asked; undefined when nothing is. */
export function flawOf({ status, headers, text, isHead }: Answer): string | undefined {
  if (!headers.get('x-request-id')) return 'no x-request-id';
  if (status === 500) return `500: ${text}`;
  if (status < 400) return status === 304 || status < 300 ? undefined : `a redirect: ${status}`;
  if (headers.get('content-type') !== 'application/problem+json') return `${status} as ${headers.get('content-type')}`;
  if (isHead) return undefined;
  const body = problemOf(text);
  if (!body) return `${status} with ${JSON.stringify(text.slice(0, 200))}`;
  const known = Object.hasOwn(errors, body.code) ? errors[body.code as ErrorCode] : undefined;
  if (!known) return `a code that is not in the catalogue: ${body.code}`;
  const expected: number = known.status;
  if (expected !== status || body.status !== status) return `${status} for ${body.code} and ${body.status}`;
  if (body.type !== `urn:concordat:error:${body.code}` || body.title !== known.title) return `another ${body.code}`;
  if (known.retryable !== body.retryable) return `retryable is not that of ${body.code}`;
  if ((status === 429 || status === 503) && !/^\d+$/.test(headers.get('retry-after') ?? '')) return 'no Retry-After';
  if (/\n\s+at |node_modules|\.js:\d+/.test(text)) return `it tells of its insides: ${text.slice(0, 300)}`;
  return undefined;
}

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly retryable: boolean;
}

function problemOf(text: string): Problem | undefined {
  try {
    const body = JSON.parse(text) as Problem;
    return typeof body?.code === 'string' && typeof body.detail === 'string' ? body : undefined;
  } catch {
    return undefined;
  }
}
