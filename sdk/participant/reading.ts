/** What a host reads from the wire. Everything throws `Rejected`, which the coordinator takes for no outcome. */
import { type CommandBody, headers } from '../protocol/commands.js';
import { namePattern, type Xid, xidPattern } from '../protocol/ids.js';
import { type Json, JsonError, parseJson, parseJsonText } from '../protocol/json.js';
import type { Kind } from '../protocol/kinds.js';
import { type Received, Rejected } from './command.js';
import type { CoordinatorTime } from './coordinator-time.js';
import type { Destination } from './destinations.js';

/** The value of a header by its lower-case name. */
export type Header = (name: string) => string | undefined;

type JsonObject = { readonly [name: string]: Json };

/**
 * A command for `to`, checked: its headers, its body, and that both speak of the same. The body is used as it came, with
 * whatever fields a newer coordinator adds.
 */
export function readCommand(
  { participant, handler, op }: Destination,
  header: Header,
  body: JsonObject,
  time: CoordinatorTime,
): Received {
  const origin = header(headers.origin) ?? '';
  if (!originPattern.test(origin)) throw malformed(headers.origin, 'an id', origin);
  const xid = (header(headers.xid) ?? '') as Xid;
  if (!xidPattern.test(xid)) throw malformed(headers.xid, 'an xid', xid);
  const branch = wholeOf(headers.branch, header(headers.branch), op === 'check' ? 0 : 1);
  const attempt = wholeOf(headers.attempt, header(headers.attempt) ?? '1', 1);
  const expires = header(headers.expires);
  const expiresAt =
    expires === undefined ? Number.POSITIVE_INFINITY : time.toLocal(origin, wholeOf(headers.expires, expires, 0));
  if (body.xid !== xid || body.branch !== branch || body.op !== op)
    throw malformed('body', `xid, branch and op as in the headers and the path (${xid}, ${branch}, ${op})`, 'others');
  return {
    origin,
    participant,
    handler,
    body: { ...readBody(body, op === 'check'), xid, branch, op },
    attempt,
    expiresAt,
    token: header(headers.token),
  };
}

/** A store's id; tests and other coordinators may have ids of another form. */
const originPattern = /^[\w.:-]{1,128}$/;

function wholeOf(name: string, text: string | undefined, min: number): number {
  const value = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min) return value;
  throw malformed(name, `a whole number from ${min}`, text ?? '');
}

/** But for xid, branch and op, of which more is known. */
function readBody(body: JsonObject, isCheck: boolean): Omit<CommandBody, 'xid' | 'branch' | 'op'> {
  const { id, kind, input = null, forward, reason } = body;
  // A check is no step: its id is not a name.
  if (typeof id !== 'string' || !(isCheck || namePattern.test(id)))
    throw malformed('id', 'the id of a step', typed(id));
  if (forward !== undefined && forward !== 'done' && forward !== 'unknown' && forward !== 'refused')
    throw malformed('forward', 'done, unknown or refused', typed(forward));
  if (reason !== undefined && typeof reason !== 'string') throw malformed('reason', 'text', typed(reason));
  // What is not of its kind is refused by whoever knows the handler.
  return { ...body, id, input, forward, reason, kind: kind as Kind | undefined };
}

/** A JSON object from bytes, or from text inside of a batch. */
export function readObject(what: string, source: Uint8Array | Json | undefined): JsonObject {
  try {
    const value =
      source instanceof Uint8Array ? parseJson(source) : typeof source === 'string' ? parseJsonText(source) : source;
    if (isObject(value)) return value;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new Rejected(400, 'malformed', `${what}: ${error.message}`);
  }
  throw malformed(what, 'a JSON object', 'something else');
}

export const isObject = (value: unknown): value is JsonObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);

const typed = (value: Json | undefined): string => JSON.stringify(value) ?? 'nothing';

/** A 400 that names what is wrong, what was expected and what came. */
export const malformed = (what: string, expected: string, got: string): Rejected =>
  new Rejected(400, 'malformed', `${what}: expected ${expected}, got ${got.slice(0, 80) || 'nothing'}`);
