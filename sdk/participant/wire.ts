/** What a host writes to the wire. */
import { type Answer, Rejected } from './command.js';

/** An answer, for whatever carries it: a response of its own, or a line of a batch. */
export interface WireAnswer {
  readonly status: number;
  /** Lower-case names. Without a content-type it is JSON. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text; undefined: nothing. */
  readonly body: string | undefined;
}

const none: WireAnswer['headers'] = Object.freeze({});
const problemType = 'application/problem+json';

/** What the executor said, as the participant protocol has it. */
export function answerOf(answer: Answer): WireAnswer {
  switch (answer.kind) {
    case 'done':
      return { status: 200, headers: none, body: JSON.stringify(answer.output ?? null) };
    case 'checked':
      return { status: 200, headers: none, body: JSON.stringify({ decision: answer.decision }) };
    case 'refused':
      return problem(409, answer.code, 'Refused', answer.reason);
    case 'pending': {
      const retryAfter = { 'retry-after': secondsOf(answer.retryAfterMs) };
      return answer.running
        ? problem(425, 'still_running', 'Still running', 'this branch is at work here; ask again', retryAfter)
        : { status: 202, headers: retryAfter, body: undefined };
    }
    default:
      return never(answer);
  }
}

/** Whole seconds, at least one. */
const secondsOf = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1000)));

/** What the coordinator reads as `unknown`. Of an error that nobody foresaw only the log has the words. */
export function refusalOf(error: unknown): WireAnswer {
  if (!(error instanceof Rejected))
    return problem(
      500,
      'internal',
      'Failed',
      'the participant failed, and its log says why; the command is asked again',
    );
  const headers = error.status === 503 ? { 'retry-after': '1' } : none;
  return problem(error.status, error.code, 'Not taken', error.message, headers);
}

/** RFC 9457. `code` is stable; `detail` is for people. */
function problem(
  status: number,
  code: string | undefined,
  title: string,
  detail: string,
  headers: WireAnswer['headers'] = none,
): WireAnswer {
  const type = `urn:concordat:participant:${code ?? 'refused'}`;
  const body = JSON.stringify({ type, title, status, detail, code });
  return { status, headers: { 'content-type': problemType, ...headers }, body };
}

function never(value: never): never {
  throw new Error(`an answer of no kind: ${JSON.stringify(value)}`);
}
