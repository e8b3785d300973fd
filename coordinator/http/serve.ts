/** One request, in the order it runs: guard, key, body, handler, answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { reach } from '#faults';
import { ConcordatError, errors } from '../../sdk/protocol/errors.js';
import { type Admission, dropBody } from './admission.js';
import { type Body, readBody } from './body.js';
import type { Guard } from './guard.js';
import { anonymous, type Caller, demand, type WhoCalls } from './keys.js';
import { problem, toConcordat } from './problem.js';
import type { Access, Answer, Call, Rooms, Route } from './route.js';
import { type Line, streamHeaders } from './streams.js';

/** What every request passes. */
export interface Entrance {
  readonly rooms: Rooms;
  readonly guard: Guard;
  readonly whoCalls: WhoCalls;
  readonly admission: Admission;
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
  const { lookout, clock } = entrance.rooms;
  const began = clock.monotonic();
  try {
    const call = await letIn(entrance, route, request, params, requestId);
    const answer = await route.handle(entrance.rooms, call);
    if (route.method === 'POST' && answer.status < 300) reach('before-answer');
    if (answer.stream) begin(entrance, route, request, response, requestId, answer.stream);
    else write(entrance, request, response, requestId, answer);
  } catch (error) {
    refuse(entrance, request, response, requestId, error);
  }
  lookout.metrics?.answered(route, response.statusCode, clock.monotonic() - began);
}

async function letIn(
  entrance: Entrance,
  route: Route,
  request: IncomingMessage,
  params: Params,
  requestId: string,
): Promise<Call> {
  const { headers, url = '' } = request;
  entrance.guard(headers);
  const { name: by, role, participants: registers } = callerOf(entrance, route.access, headers.authorization);
  const body = route.body === 'none' ? undefined : await bodyOf(entrance, route, request, route.body);
  const at = url.indexOf('?');
  const query = at < 0 ? '' : url.slice(at + 1);
  return {
    params,
    query,
    headers,
    body: body ? body.value : {},
    bodyBytes: body?.bytes ?? 0,
    by,
    role,
    requestId,
    registers,
  };
}

/** New work is turned away before its body is looked at. */
async function bodyOf(
  { admission }: Entrance,
  { adds }: Route,
  request: IncomingMessage,
  needed: 'optional' | 'required',
): Promise<Body> {
  if (!adds) return readBody(request, needed);
  try {
    admission.demand(adds);
  } catch (error) {
    await dropBody(request);
    throw error;
  }
  return admission.reading(readBody(request, needed));
}

function callerOf({ whoCalls }: Entrance, access: Access, authorization: string | undefined): Caller {
  if (access === 'none' || access === 'token') return anonymous;
  const caller = whoCalls(authorization);
  demand(caller, access);
  return caller;
}

/** Answers with a stream, which goes on until one of the two has enough of it or the caller's key is revoked. */
function begin(
  entrance: Entrance,
  { access }: Route,
  { method, headers: { authorization } }: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  stream: (line: Line) => void,
): void {
  if (response.destroyed) return;
  const { keys, lookout, stopping } = entrance.rooms;
  const headers = { ...headersOf(requestId), ...streamHeaders };
  if (method === 'HEAD') {
    response.writeHead(200, headers).end();
    return;
  }
  if (stopping()) throw new ConcordatError('stopping', 'the coordinator is stopping; ask another, or again later');
  // It may have been revoked while the answer was prepared.
  callerOf(entrance, access, authorization);
  lookout.streams.makeRoom();
  const line = lookout.streams.open(response, headers);
  if (access !== 'none' && access !== 'token') {
    const unwatch = keys?.watch(authorization, access, () => line.cut());
    void line.closed.then(unwatch);
  }
  stream(line);
}

/** Answers a request that is for no route. */
export function turnAway(entrance: Entrance, request: IncomingMessage, response: ServerResponse, error: unknown): void {
  refuse(entrance, request, response, requestIdOf(request, entrance), error);
  entrance.rooms.lookout.metrics?.answered(elsewhere, response.statusCode, 0);
}

const elsewhere = Object.freeze({ method: 'other', path: 'other' });

/** Answers with an error, and logs those that are the coordinator's own. */
function refuse(
  entrance: Entrance,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  error: unknown,
): void {
  const known = toConcordat(error);
  const { status } = errors[known.code];
  if (status >= 500 && known.code !== 'not_available' && known.code !== 'too_many_watchers') {
    const fields = { requestId, method: request.method, path: pathOf(request), code: known.code };
    const cause = known === error ? known.message : error instanceof Error ? error.stack : String(error);
    entrance.rooms.log.error({ ...fields, error: cause }, 'request failed');
  }
  write(entrance, request, response, requestId, problem(known));
}

const sane = /^[A-Za-z0-9._:-]{1,128}$/;

/** The caller's own id of the request, if it is one, else a new one. */
function requestIdOf({ headers }: IncomingMessage, { rooms }: Entrance): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && sane.test(given) ? given : rooms.chance.id();
}

/** Without the query, which may hold a business key. */
const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0]?.slice(0, 200) ?? '';

/** Of every answer. */
const headersOf = (requestId: string) => ({
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-request-id': requestId,
});

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
    ...(answer.status !== 204 && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    ...headersOf(requestId),
    ...answer.headers,
  };
  // What is left of a body that nobody reads must not be taken for the next request.
  if (!request.complete || rooms.stopping()) headers.connection = 'close';
  response.writeHead(answer.status, headers);
  response.end(text);
}
