/** One request, in the order it runs: guard, key, body, handler, answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { reach } from '#faults';
import { errors } from '../../sdk/protocol/errors.js';
import { readBody } from './body.js';
import type { Guard } from './guard.js';
import { anonymous, type Caller, demand, type WhoCalls } from './keys.js';
import { problem, toConcordat } from './problem.js';
import type { Access, Answer, Call, Rooms, Route } from './route.js';

/** What every request passes. */
export interface Entrance {
  readonly rooms: Rooms;
  readonly guard: Guard;
  readonly whoCalls: WhoCalls;
}

type Params = Readonly<Record<string, string>>;

/** Answers one request. Never rejects. */
export async function serve(
  entrance: Entrance,
  route: Route,
  request: IncomingMessage,
  response: ServerResponse,
  params: Params,
): Promise<void> {
  const requestId = requestIdOf(request, entrance);
  try {
    const call = await letIn(entrance, route, request, params);
    const answer = await route.handle(entrance.rooms, call);
    if (route.method === 'POST' && answer.status < 300) reach('before-answer');
    write(entrance, request, response, requestId, answer);
  } catch (error) {
    refuse(entrance, request, response, requestId, error);
  }
}

async function letIn(entrance: Entrance, route: Route, request: IncomingMessage, params: Params): Promise<Call> {
  const { headers, url = '' } = request;
  entrance.guard(headers);
  const { name: by, participants: registers } = callerOf(entrance, route.access, headers.authorization);
  const body = route.body === 'none' ? undefined : await readBody(request, route.body);
  const at = url.indexOf('?');
  const query = at < 0 ? '' : url.slice(at + 1);
  return { params, query, headers, body: body?.value ?? {}, bodyBytes: body?.bytes ?? 0, by, registers };
}

function callerOf({ whoCalls }: Entrance, access: Access, authorization: string | undefined): Caller {
  if (access === 'none' || access === 'token') return anonymous;
  const caller = whoCalls(authorization);
  demand(caller, access);
  return caller;
}

/** Answers with an error, and logs those that are the coordinator's own. */
export function refuse(
  entrance: Entrance,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  error: unknown,
): void {
  const known = toConcordat(error);
  const { status } = errors[known.code];
  if (status >= 500 && known.code !== 'not_available') {
    const fields = { requestId, method: request.method, path: pathOf(request), code: known.code };
    const cause = known === error ? known.message : error instanceof Error ? error.stack : String(error);
    entrance.rooms.log.error({ ...fields, error: cause }, 'request failed');
  }
  write(entrance, request, response, requestId, problem(known));
}

const sane = /^[A-Za-z0-9._:-]{1,128}$/;

/** The caller's own id of the request, if it is one, else a new one. */
export function requestIdOf({ headers }: IncomingMessage, { rooms }: Entrance): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && sane.test(given) ? given : rooms.chance.id();
}

/** Without the query, which may hold a business key. */
const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0]?.slice(0, 200) ?? '';

function write(
  { rooms }: Entrance,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  answer: Answer,
): void {
  if (response.headersSent || response.destroyed) return;
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    ...answer.headers,
  };
  // What is left of a body that nobody reads must not be taken for the next request.
  if (!request.complete || rooms.stopping()) headers.connection = 'close';
  response.writeHead(answer.status, headers);
  response.end(text);
}
