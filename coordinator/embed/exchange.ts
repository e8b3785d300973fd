/**
 * The door in for callers of this process: what `serve.ts` does for HTTP, without the wire. The same table of routes, the
 * same checks, the same errors. What comes in and what goes out is copied, so nobody outside holds a piece of the state.
 */
import { planted, reach } from '#faults';
import { NoCoordinator } from '../../sdk/client/errors.js';
import type { Exchange, Request } from '../../sdk/client/exchange.js';
import { patience, pauseBefore } from '../../sdk/client/patience.js';
import { afterSilence } from '../../sdk/client/reasons.js';
import { ConcordatError, errors } from '../../sdk/protocol/errors.js';
import { copyJson, copyPlain, type Json, JsonError, jsonTextOf, parseJsonText } from '../../sdk/protocol/json.js';
import { limits } from '../../sdk/protocol/limits.js';
import { type Found, findRoute } from '../http/find.js';
import { toConcordat } from '../http/problem.js';
import type { Call, Rooms } from '../http/route.js';
import { routes } from '../http/routes.js';

/** An exchange with the coordinator of this process. Rejects with NoCoordinator once `rooms.stopping()`. */
export function exchangeInside(rooms: Rooms, close: () => Promise<void>): Exchange {
  const { clock, chance } = rooms;
  const find = findRoute(routes);

  async function send<T>(request: Request): Promise<T> {
    const body = request.body === undefined ? noBody : bodyOf(request.body);
    let failingSince: number | undefined;
    let wasSent = false;
    for (let attempts = 1; ; attempts++) {
      let entered = false;
      try {
        if (rooms.stopping()) throw closed(wasSent);
        const { route, params, query } = routeOf(find(request.method, request.path));
        entered = true;
        const answer = await route.handle(rooms, callOf(request, body, params, query));
        if (route.method === 'POST') reach('before-answer');
        return (planted('lend-the-state') ? answer.body : copyJson(answer.body)) as T;
      } catch (error) {
        const known = noted(error, request, rooms, wasSent, entered);
        wasSent ||= entered;
        failingSince ??= clock.monotonic();
        const trial = { attempts, failingMs: clock.monotonic() - failingSince, retryAfterMs: 0, draw: chance.draw() };
        const pauseMs = mayRepeat(request, known) ? pauseBefore(trial, patience.knownMs) : undefined;
        if (pauseMs === undefined) throw known;
        await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
      }
    }
  }

  return { send, close, isEmbedded: true };
}

function routeOf(found: Found | undefined): Found {
  if (found) return found;
  throw new ConcordatError('route_not_found', 'expected a path of the API, got another');
}

const mayRepeat = ({ repeatable, once }: Request, error: Error): boolean =>
  repeatable && !once && error instanceof ConcordatError && error.code === 'store_unavailable';

const closed = (wasSent: boolean): NoCoordinator =>
  new NoCoordinator('this embedded coordinator was closed: call close() after its last use, or embed the store again', {
    wasSent,
  });

function callOf(
  { waitSeconds, headers = {} }: Request,
  { value, bytes }: RequestBody,
  params: Call['params'],
  query: string,
): Call {
  return {
    params,
    query,
    headers: waitSeconds === undefined ? headers : { ...headers, prefer: `wait=${waitSeconds}` },
    body: value,
    bodyBytes: bytes,
    by: 'embedded',
    role: 'admin',
    requestId: null,
    registers: undefined,
  };
}

interface RequestBody {
  readonly value: Json;
  /** As JSON, at most. */
  readonly bytes: number;
}

const noBody: RequestBody = Object.freeze({ value: Object.freeze({}), bytes: 0 });

/** As it is now: the caller may change its own meanwhile, and nobody here changes this one. */
function bodyOf(body: unknown): RequestBody {
  const room = { bytes: limits.bodyBytes };
  const value = copyPlain(body, room);
  if (value !== undefined) return { value, bytes: limits.bodyBytes - room.bytes };
  const text = asInvalid(() => jsonTextOf(body));
  const bytes = Buffer.byteLength(text);
  if (bytes <= limits.bodyBytes) return { value: asInvalid(() => parseJsonText(text)), bytes };
  throw new ConcordatError('too_large', `expected a body of at most ${limits.bodyBytes} bytes, got more`);
}

function asInvalid<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof JsonError) throw new ConcordatError('invalid_json', error.message);
    throw error;
  }
}

/**
 * As a client knows errors; the coordinator's own are logged with their cause. `wasSentBefore`: an earlier attempt of the
 * request came so far that it may have been done; `entered`: this one did.
 */
function noted(
  error: unknown,
  { method, path }: Request,
  { log }: Rooms,
  wasSentBefore: boolean,
  entered: boolean,
): ConcordatError | NoCoordinator {
  if (error instanceof NoCoordinator) return error;
  const known = toConcordat(error);
  // Whoever came in just before the end hears what those after it hear.
  if (known.code === 'stopping') return closed(wasSentBefore || entered);
  if (errors[known.code].status >= 500 && known.code !== 'not_available') {
    const cause = known === error ? known.message : error instanceof Error ? error.stack : String(error);
    log.error({ method, path: path.split('?', 1)[0], code: known.code, error: cause }, 'request failed');
  }
  return wasSentBefore ? afterSilence(known) : known;
}
