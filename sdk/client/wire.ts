/** One attempt to ask the coordinator, over HTTP. What comes of it is a value: whoever asks decides what it means. */
import { Pool } from 'undici';
import { ConcordatError, type ErrorCode, errors, type InputError } from '../protocol/errors.js';
import type { Ambient } from './environment.js';
import { troubleOf } from './patience.js';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  /** Besides those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Asks the coordinator to wait so long for what is asked. */
  readonly waitSeconds?: number | undefined;
  /** Sent again when no answer came: whatever it does, it does once. */
  readonly repeatable: boolean;
  /** Sent no second time, not even when it surely did not arrive: who asks has a rhythm of its own. */
  readonly once?: boolean;
}

export type Attempt =
  | { readonly kind: 'answered'; readonly body: unknown }
  /** It said no, and would again. */
  | { readonly kind: 'refused'; readonly error: ConcordatError }
  | { readonly kind: 'later'; readonly error: ConcordatError; readonly retryAfterMs: number }
  /** `garbled`: what came is no answer of a coordinator. The others are as in patience.ts. */
  | { readonly kind: 'unsent' | 'unanswered' | 'garbled'; readonly cause: unknown };

export interface Wire {
  /** Never rejects. `text` is the body; the answer must be there in full within `withinMs`. */
  ask(request: Request, text: string | undefined, waitSeconds: number | undefined, withinMs: number): Promise<Attempt>;
  close(): Promise<void>;
}

/** What takes requests to one address: a pool of connections, or what stands for one in tests. */
export interface Carrier {
  request(options: {
    readonly method: Request['method'];
    readonly path: string;
    readonly headers: Record<string, string | undefined>;
    readonly body: string | null;
    readonly signal: AbortSignal;
  }): Promise<{
    readonly statusCode: number;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
    readonly body: { text(): Promise<string> };
  }>;
  close(): Promise<void>;
}

/** Of a page of transactions; everything else is smaller. */
const answerBytesMax = 64 * 1024 * 1024;

/** An address that nobody answers under must not hold a caller for long. */
const connectWithinMs = 5000;

/** Throws TypeError for an address that is none. */
export function wireTo(url: string, apiKey: string | undefined, ambient: Ambient, carrier?: Carrier): Wire {
  const base = baseOf(url);
  const prefix = base.pathname.replace(/\/$/, '');
  const pool = carrier ?? poolTo(base);
  const authorization = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };

  return {
    async ask({ method, path, headers }, text, waitSeconds, withinMs) {
      const late = new AbortController();
      const cancel = ambient.after(withinMs, () => late.abort(new Error(`no answer within ${withinMs} ms`)));
      try {
        const response = await pool.request({
          method,
          path: prefix + path,
          headers: {
            accept: 'application/json',
            ...authorization,
            ...headers,
            ...(text !== undefined && { 'content-type': 'application/json' }),
            ...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
          },
          body: text ?? null,
          signal: late.signal,
        });
        const retryAfterMs = (Number(response.headers['retry-after']) || 0) * 1000;
        return read(response.statusCode, await response.body.text(), retryAfterMs);
      } catch (cause) {
        return { kind: troubleOf(cause), cause };
      } finally {
        cancel();
      }
    },
    close: () => pool.close(),
  };
}

const poolTo = (base: URL): Carrier =>
  new Pool(base.origin, {
    connections: 256,
    pipelining: 1,
    maxResponseSize: answerBytesMax,
    // One limit for the whole answer says the same to an answer that trickles.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: connectWithinMs },
  });

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base && (base.protocol === 'http:' || base.protocol === 'https:') && !base.search && !base.hash) return base;
  throw new TypeError(
    `url: expected the address of a coordinator such as http://127.0.0.1:8090, got ${JSON.stringify(url)}`,
  );
}

/** Answers that are about now: of the coordinator while it cannot, or of what stands in front of it. */
const comeBack = new Set([408, 429, 502, 503, 504]);

function read(status: number, text: string, retryAfterMs: number): Attempt {
  if (comeBack.has(status)) return { kind: 'later', error: problemOf(status, text), retryAfterMs };
  if (status >= 400) return { kind: 'refused', error: problemOf(status, text) };
  if (status === 204) return { kind: 'answered', body: undefined };
  try {
    return { kind: 'answered', body: JSON.parse(text) };
  } catch (cause) {
    const got = text === '' ? 'nothing' : 'something else';
    return { kind: 'garbled', cause: new Error(`expected JSON, got ${got} with status ${status}`, { cause }) };
  }
}

interface Problem {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly errors?: unknown;
}

function problemOf(status: number, body: string): ConcordatError {
  let problem: Problem;
  try {
    problem = (JSON.parse(body) ?? {}) as Problem;
  } catch {
    problem = {};
  }
  const { code, detail } = problem;
  const text = typeof detail === 'string' ? detail : `the answer has status ${status} and no reason`;
  const details = Array.isArray(problem.errors) ? (problem.errors as InputError[]) : [];
  if (typeof code === 'string' && Object.hasOwn(errors, code))
    return new ConcordatError(code as ErrorCode, text, details);
  // A newer coordinator may know errors that this client does not.
  return new ConcordatError('internal', typeof code === 'string' ? `${code}: ${text}` : text, details);
}
