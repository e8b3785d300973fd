import { Pool } from 'undici';
import { ConcordatError, type ErrorCode, errors, type InputError } from '../protocol/errors.js';
import { sleep } from './environment.js';
import { NoCoordinator } from './errors.js';

export interface Request {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  /** Asks the coordinator to wait so long for what is asked. */
  readonly waitSeconds?: number | undefined;
  /** Sent again when no answer came: whatever it does, it does once. */
  readonly repeatable: boolean;
}

export interface Exchange {
  /** The body of the answer. Rejects with ConcordatError or NoCoordinator. */
  send<T>(request: Request): Promise<T>;
  close(): Promise<void>;
}

/** Pauses before the attempts after the first. */
const pausesMs = [100, 200, 400, 800, 1600];
/** Beyond what the coordinator was asked to wait, which is 30 s where it waits unasked. */
const answerWithinMs = 45_000;
/** Of a page of transactions; everything else is smaller. */
const answerBytesMax = 64 * 1024 * 1024;

export function exchangeWith(url: string, apiKey: string | undefined): Exchange {
  const base = baseOf(url);
  const prefix = base.pathname.replace(/\/$/, '');
  const pool = new Pool(base.origin, { connections: 256, pipelining: 1, maxResponseSize: answerBytesMax });
  const authorization = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };

  async function once(request: Request): Promise<Answered> {
    const { method, path, body, waitSeconds } = request;
    const timeout = answerWithinMs + (waitSeconds ?? 0) * 1000;
    const response = await pool.request({
      method,
      path: prefix + path,
      headers: {
        accept: 'application/json',
        ...authorization,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
    return { status: response.statusCode, text: await response.body.text() };
  }

  async function send<T>(request: Request): Promise<T> {
    for (const pauseMs of [...pausesMs, undefined]) {
      const answered = await once(request).catch((error: unknown) => ({ error }));
      if (!('error' in answered) && answered.status < 400) return read(answered) as T;
      const failure = 'error' in answered ? new NoCoordinator(url, answered.error) : problemOf(answered);
      if (pauseMs === undefined || !mayRepeat(request, failure)) throw failure;
      await sleep(pauseMs);
    }
    throw new Error('unreachable: the last attempt returns or throws');
  }

  return { send, close: () => pool.close() };
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (base && (base.protocol === 'http:' || base.protocol === 'https:') && !base.search && !base.hash) return base;
  throw new TypeError(
    `url: expected the address of a coordinator such as http://127.0.0.1:8090, got ${JSON.stringify(url)}`,
  );
}

/** What was surely not sent may always be sent again; what may have been, only when a repeat does no harm. */
function mayRepeat({ repeatable }: Request, failure: NoCoordinator | ConcordatError): boolean {
  if (failure instanceof ConcordatError)
    return repeatable && (failure.code === 'store_unavailable' || failure.code === 'stopping');
  const { code } = (failure.cause ?? {}) as NodeJS.ErrnoException;
  return repeatable || code === 'ECONNREFUSED';
}

function read({ status, text }: Answered): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConcordatError('internal', `expected JSON from the coordinator, got something else (status ${status})`);
  }
}

interface Problem {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly errors?: unknown;
}

function problemOf(answered: Answered): ConcordatError {
  let problem: Problem;
  try {
    problem = (JSON.parse(answered.text) ?? {}) as Problem;
  } catch {
    problem = {};
  }
  const { code, detail } = problem;
  const text = typeof detail === 'string' ? detail : `the answer has status ${answered.status} and no reason`;
  const details = Array.isArray(problem.errors) ? (problem.errors as InputError[]) : [];
  if (typeof code === 'string' && Object.hasOwn(errors, code))
    return new ConcordatError(code as ErrorCode, text, details);
  // A newer coordinator may know errors that this client does not.
  return new ConcordatError('internal', typeof code === 'string' ? `${code}: ${text}` : text, details);
}
