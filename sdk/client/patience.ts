/** When a request is sent again, and for how long. Pure: what happened and how long it took come in, a pause comes out. */

/** What came of one attempt that brought no usable answer. */
export type Trouble =
  /** Nobody took the connection: the request surely did not arrive. */
  | 'unsent'
  /** No answer, or half of one: what was asked may have been done. */
  | 'unanswered'
  /** The answer is to come back later. */
  | 'later';

export interface Patience {
  /** Nobody was ever there: most likely nobody is. */
  readonly strangerMs: number;
  /** It was there, or may have the request: it restarts, or the way to it is broken. */
  readonly knownMs: number;
}

export const patience: Patience = Object.freeze({ strangerMs: 1500, knownMs: 30_000 });

const pauseFirstMs = 100;
const pauseMaxMs = 2000;

export interface Trial {
  /** Attempts that were made, at least one. */
  readonly attempts: number;
  /** Since the first of them failed. */
  readonly failingMs: number;
  /** What the last answer asked for; 0 when it did not. */
  readonly retryAfterMs: number;
  /** In [0, 1): clients that lost the same coordinator must not all come back at once. */
  readonly draw: number;
}

/** The pause before the next attempt; undefined when there is none. The last one is at the very end of the time. */
export function pauseBefore({ attempts, failingMs, retryAfterMs, draw }: Trial, withinMs: number): number | undefined {
  const leftMs = withinMs - failingMs;
  if (leftMs <= 0) return undefined;
  const most = Math.min(pauseFirstMs * 2 ** (attempts - 1), pauseMaxMs);
  return Math.min(Math.max(most * (0.5 + draw / 2), retryAfterMs * (1 + draw / 2)), leftMs);
}

const nobodyThere = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** The certificate was not to be trusted: nothing is sent before that is clear. */
const notTrusted = /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** What an error of the connection says about the request. A network that goes away meanwhile has the code of one that was. */
export function troubleOf(error: unknown): 'unsent' | 'unanswered' {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (syscall === 'read' || syscall === 'write') return 'unanswered';
  return code !== undefined && (nobodyThere.has(code) || notTrusted.test(code)) ? 'unsent' : 'unanswered';
}
