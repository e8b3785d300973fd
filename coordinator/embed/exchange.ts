/**
 * The door in for callers of this process: what `serve.ts` does for HTTP, without the wire. The same table of routes, the
 * same checks, the same errors. What comes in and what goes out is copied, so nobody outside holds a piece of the state.
 */
import { planted, reach } from '#faults';
import { NoCoordinator } from '../../sdk/client/errors.js';
import type { Exchange, Request } from '../../sdk/client/exchange.js';
import { patience, pauseBefore } from '../../sdk/client/patience.js';
import { ConcordatError, errors } from '../../sdk/protocol/errors.js';
import { copyJson, JsonError, jsonTextOf, parseJsonText } from '../../sdk/protocol/json.js';
import { limits } from '../../sdk/protocol/limits.js';
import { toConcordat } from '../http/problem.js';
import type { Call, Rooms } from '../http/route.js';
import { routes } from '../http/routes.js';
import { findRoute } from './routing.js';

/** An exchange with the coordinator of this process. Rejects with NoCoordinator once `rooms.stopping()`. */
export function exchangeInside(rooms: Rooms, close: () => Promise<void>): Exchange {
  const { clock, chance } = rooms;
  const find = findRoute(routes);

  async function send<T>(request: Request): Promise<T> {
    const text = request.body === undefined ? undefined : textOf(request.body);
    let failingSince: number | undefined;
    for (let attempts = 1; ; attempts++) {
      try {
        if (rooms.stopping()) throw closed();
        const { route, params, query } = find(request.method, request.path);
        const answer = await route.handle(rooms, callOf(request, text, params, query));
        if (route.method === 'POST') reach('before-answer');
        return (planted('lend-the-state') ? answer.body : copyJson(answer.body)) as T;
      } catch (error) {
        const known = noted(error, request, rooms);
        failingSince ??= clock.monotonic();
        const trial = { attempts, failingMs: clock.monotonic() - failingSince, retryAfterMs: 0, draw: chance.draw() };
        const pauseMs = mayRepeat(request, known) ? pauseBefore(trial, patience.knownMs) : undefined;
        if (pauseMs === undefined) throw known;
        await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
      }
    }
  }

  return { send, close };
}

const mayRepeat = ({ repeatable, once }: Request, error: Error): boolean =>
  repeatable && !once && error instanceof ConcordatError && error.code === 'store_unavailable';

const closed = (): NoCoordinator =>
  new NoCoordinator('this embedded coordinator was closed: call close() after its last use, or embed the store again');

function callOf(
  { waitSeconds, headers = {} }: Request,
  text: string | undefined,
  params: Call['params'],
  query: string,
): Call {
  return {
    params,
    query,
    headers: waitSeconds === undefined ? headers : { ...headers, prefer: `wait=${waitSeconds}` },
    body: text === undefined ? {} : parsed(text),
    bodyBytes: text === undefined ? 0 : Buffer.byteLength(text),
    by: 'embedded',
  };
}

/** Read again for each attempt: what a handler keeps of it is then its own. */
function textOf(body: unknown): string {
  const text = asInvalid(() => jsonTextOf(body));
  if (Buffer.byteLength(text) <= limits.bodyBytes) return text;
  throw new ConcordatError('too_large', `expected a body of at most ${limits.bodyBytes} bytes, got more`);
}

const parsed = (text: string): Call['body'] => asInvalid(() => parseJsonText(text));

function asInvalid<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof JsonError) throw new ConcordatError('invalid_json', error.message);
    throw error;
  }
}

/** As a client knows errors; the coordinator's own are logged with their cause. */
function noted(error: unknown, { method, path }: Request, { log }: Rooms): ConcordatError | NoCoordinator {
  if (error instanceof NoCoordinator) return error;
  const known = toConcordat(error);
  // Whoever came in just before the end hears what those after it hear.
  if (known.code === 'stopping') return closed();
  if (errors[known.code].status >= 500 && known.code !== 'not_available') {
    const cause = known === error ? known.message : error instanceof Error ? error.stack : String(error);
    log.error({ method, path: path.split('?', 1)[0], code: known.code, error: cause }, 'request failed');
  }
  return known;
}
