import { planted } from '#faults';
import { type Json, parseJson } from '../../sdk/protocol/json.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import { defaults, limits } from '../../sdk/protocol/limits.js';
import type { Outcome } from '../../sdk/protocol/outcomes.js';
import { mediaTypeOf } from './media-type.js';
import { retryAfterOf } from './retry-after.js';
import { cleanExcerpt, cleanText } from './text.js';
import type { Answer, Reply } from './transport.js';

const reasonCharactersMax = 1000;
const codeCharactersMax = 100;
const excerptCharactersMax = 200;

/**
 * What an answer means, by the table of the participant protocol. Pure. Only what is plainly a done, a no or an "ask me
 * again" is one; all else is `unknown` and says what came. `now` (UTC ms) is for a `Retry-After` that names a date.
 */
export function readAnswer(answer: Answer, op: Op, now: number): Reply {
  const flaw = flawOf(answer);
  if (flaw) return unknown(answer, flaw);
  if (op === 'check') return readCheck(answer, now);
  const { status } = answer;
  if (status === 202 || status === 425) return readPending(answer, now);
  if (status >= 200 && status < 300) return readDone(answer);
  if (status === 409) return readRefusal(answer);
  return readFailure(answer, now);
}

function flawOf({ headers, body }: Answer): string | undefined {
  if (body.byteLength > limits.outcomeBodyBytes && !planted('read-any-size'))
    return `a body of more than ${limits.outcomeBodyBytes} bytes`;
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  // Nothing is decompressed: a bomb stays small.
  if (encoding && encoding !== 'identity')
    return `content-encoding ${cleanText(encoding, 40)}, which was not asked for`;
  return undefined;
}

function readDone(answer: Answer): Outcome {
  if (answer.body.byteLength === 0) return { kind: 'done', output: null };
  const read = readJson(answer);
  if ('value' in read) return { kind: 'done', output: read.value };
  return planted('bad-json-is-done') ? { kind: 'done', output: null } : unknown(answer, read.flaw);
}

function readRefusal(answer: Answer): Outcome {
  const problem = readProblem(answer);
  if (!problem) return unknown(answer, 'a 409 counts as a no only with application/problem+json');
  const { detail, title, code } = problem;
  const reason = cleanText(
    ([detail, title].find((text) => typeof text === 'string' && text !== '') as string | undefined) ?? 'refused',
    reasonCharactersMax,
  );
  return typeof code === 'string' && code !== ''
    ? { kind: 'refused', reason, code: cleanText(code, codeCharactersMax) }
    : { kind: 'refused', reason };
}

function readPending(answer: Answer, now: number): Outcome {
  const retryAfterMs = cappedRetryAfter(answer, now);
  if (retryAfterMs === undefined) return unknown(answer, 'expected a Retry-After of seconds or an HTTP date with it');
  return { kind: 'pending', retryAfterMs };
}

/** What no transaction is to blame for, and no waiting mends: a secret, an address or a handler is not as it should be. */
const misconfigured: readonly number[] = [401, 403, 404, 405];

function readFailure(answer: Answer, now: number): Reply {
  const { status } = answer;
  if (status >= 300 && status < 400) return unknown(answer, 'a redirect is not followed');
  if (status === 401 && speaksOfTime(answer)) {
    if (planted('clock-error-is-a-no')) return { kind: 'refused', reason: 'the signature is too old' };
    const flaw = "the participant rejects the signature's timestamp: its clock and the coordinator's differ";
    return { ...unknown(answer, flaw), alarm: 'clock' };
  }
  if (status === 408 && readProblem(answer)?.code === 'expired')
    return {
      ...unknown(answer, "it came too late, or the participant's clock and the coordinator's differ"),
      alarm: 'clock',
    };
  if (misconfigured.includes(status)) return { ...unknown(answer), alarm: 'setup' };
  const retryAfterMs = status === 429 || status === 503 ? cappedRetryAfter(answer, now) : undefined;
  return unknown(answer, undefined, retryAfterMs);
}

/** The initiator says how its own work ended; whatever is not one of its three words is no answer. */
function readCheck(answer: Answer, now: number): Reply {
  if (answer.status !== 200) {
    const { status } = answer;
    const waits = status === 202 || status === 425 || status === 429 || status === 503;
    return unknown(answer, 'expected 200 from a check', waits ? cappedRetryAfter(answer, now) : undefined);
  }
  const read = readJson(answer);
  if ('flaw' in read) return unknown(answer, read.flaw);
  const decision = asRecord(read.value)?.decision;
  if (decision === 'commit' || decision === 'rollback' || decision === 'unknown')
    return { kind: 'checked', answer: decision };
  return unknown(answer, 'expected {"decision": "commit" | "rollback" | "unknown"}');
}

function readJson(answer: Answer): { readonly value: Json } | { readonly flaw: string } {
  const type = answer.headers['content-type'];
  if (type !== undefined) {
    const media = mediaTypeOf(type);
    if (!media?.isJson) return { flaw: `expected JSON, got content-type ${cleanText(type, 80)}` };
    if (!media.isUtf8) return { flaw: `expected UTF-8, got content-type ${cleanText(type, 80)}` };
  }
  try {
    return { value: parseBody(answer.body) };
  } catch (error) {
    return { flaw: cleanText((error as Error).message, excerptCharactersMax) };
  }
}

const parseBody = (body: Uint8Array): Json =>
  planted('accept-proto-keys') ? (JSON.parse(Buffer.from(body).toString()) as Json) : parseJson(body);

/** The members of an RFC 9457 problem; undefined when the answer is none. */
function readProblem(answer: Answer): { readonly [key: string]: Json } | undefined {
  if (mediaTypeOf(answer.headers['content-type'] ?? '')?.essence !== 'application/problem+json') return undefined;
  const read = readJson(answer);
  return 'value' in read ? asRecord(read.value) : undefined;
}

function asRecord(value: Json): { readonly [key: string]: Json } | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })
    : undefined;
}

/** In whatever form it comes: verifiers of signatures mostly answer a line of text. */
const speaksOfTime = (answer: Answer): boolean =>
  /timestamp|clock/i.test(cleanExcerpt(answer.body, reasonCharactersMax));

function cappedRetryAfter(answer: Answer, now: number): number | undefined {
  const waitMs = retryAfterOf(answer.headers['retry-after'], now);
  return waitMs === undefined ? undefined : Math.min(waitMs, defaults.retryAfterMaxMs);
}

/** What a problem says in words comes first: its other members would leave no room for it. */
function saidIn(answer: Answer): string {
  const { code, detail } = (flawOf(answer) === undefined && readProblem(answer)) || {};
  if (typeof detail === 'string' && detail !== '')
    return ` (${typeof code === 'string' ? `${cleanText(code, codeCharactersMax)}: ` : ''}${cleanText(detail, excerptCharactersMax)})`;
  const excerpt = cleanExcerpt(answer.body, excerptCharactersMax);
  return excerpt ? ` (body: ${excerpt})` : '';
}

function unknown(answer: Answer, flaw?: string, retryAfterMs?: number): Outcome & { readonly kind: 'unknown' } {
  const error = `answered ${answer.status}${flaw ? `: ${flaw}` : ''}${saidIn(answer)}`;
  return retryAfterMs === undefined ? { kind: 'unknown', error } : { kind: 'unknown', error, retryAfterMs };
}
