import type { Json } from '../../sdk/protocol/json.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import { readAnswer } from './answer.js';
import type { Answer, Reply } from './transport.js';

/**
 * What one outcome of a batch means: `{status, headers?, body?}`, read like an HTTP answer with that JSON as its body.
 * Without a body it is empty; without a content-type it is `application/json`. Pure. `now` is UTC ms.
 */
export function readOutcome(value: Json, op: Op, now: number): Reply {
  const outcome = asRecord(value);
  if (!outcome) return unknown('expected an object with a status');
  const { status, body = null } = outcome;
  const headers = headersOf(outcome.headers);
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599)
    return unknown('expected a status from 200 to 599');
  if (!headers) return unknown('expected headers of names and texts');
  // Nearly every outcome is this one, and its body was read already.
  if (isPlainlyDone(status, op) && headers === json) return { kind: 'done', output: body };
  const bytes = outcome.body === undefined ? empty : Buffer.from(JSON.stringify(body));
  return readAnswer({ status, headers, body: bytes }, op, now);
}

const isPlainlyDone = (status: number, op: Op): boolean =>
  status >= 200 && status < 300 && status !== 202 && op !== 'check';

const empty = new Uint8Array(0);

const json: Answer['headers'] = Object.freeze({ 'content-type': 'application/json' });

/** Undefined when they are no headers. */
function headersOf(value: Json | undefined): Answer['headers'] | undefined {
  if (value === undefined || value === null) return json;
  const headers = asRecord(value);
  if (!headers) return undefined;
  const entries = Object.entries(headers);
  if (!entries.every(isText)) return undefined;
  return { ...json, ...Object.fromEntries(entries) };
}

const isText = (entry: readonly [string, Json]): entry is [string, string] => typeof entry[1] === 'string';

export const asRecord = (value: Json): { readonly [key: string]: Json } | undefined =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : undefined;

const unknown = (flaw: string): Reply => ({ kind: 'unknown', error: `answered in a batch: ${flaw}` });
