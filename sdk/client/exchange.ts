/** Asks the coordinator until it answers, or until there is no sense in asking on. */
import { ConcordatError } from '../protocol/errors.js';
import { type JsonError, jsonTextOf } from '../protocol/json.js';
import { type Ambient, sleep, systemAmbient } from './environment.js';
import { NoCoordinator, unreachable } from './errors.js';
import { type Patience, patience, pauseBefore } from './patience.js';
import { afterSilence } from './reasons.js';
import { type Attempt, type Carrier, type Request, wireTo } from './wire.js';

export type { Request } from './wire.js';

export interface Exchange {
  /** The body of the answer. Rejects with ConcordatError or NoCoordinator. */
  send<T>(request: Request): Promise<T>;
  close(): Promise<void>;
  /** Of a coordinator inside this process: nothing but this exchange leads to it. */
  readonly isEmbedded?: boolean;
}

export interface ExchangeOptions {
  readonly apiKey?: string | undefined;
  /** How long a request without an answer is sent again. */
  readonly patience?: Patience;
  /** How long one answer may take, beyond what the coordinator was asked to wait. */
  readonly answerWithinMs?: number;
  readonly ambient?: Ambient;
  /** What takes the requests there; connections of its own by default. */
  readonly carrier?: Carrier;
}

/** The coordinator waits 30 s where it waits unasked. */
const answerWithinDefaultMs = 45_000;

/**
 * Requests to the coordinator at `url`. One without an answer is sent again as long as `patience` says: if it surely did
 * not arrive in any case, else when a repeat does no harm. The error in the end says whether it may have been done.
 */
export function exchangeWith(url: string, options: ExchangeOptions = {}): Exchange {
  const { apiKey, ambient = systemAmbient, answerWithinMs = answerWithinDefaultMs } = options;
  const { strangerMs, knownMs } = options.patience ?? patience;
  const wire = wireTo(url, apiKey, ambient, options.carrier);
  let isKnown = false;
  let isClosed = false;

  async function send<T>(request: Request): Promise<T> {
    // Written once: what the caller does to the body later does not change what is sent again.
    const text = request.body === undefined ? undefined : textOf(request.body);
    const beganAt = ambient.monotonic();
    let failingSince: number | undefined;
    let wasSent = false;
    for (let attempts = 1; ; attempts++) {
      if (isClosed) throw closed(url, wasSent);
      const waitSeconds = leftOf(request.waitSeconds, ambient.monotonic() - beganAt);
      const attempt = await wire.ask(request, text, waitSeconds, answerWithinMs + (waitSeconds ?? 0) * 1000);
      if (attempt.kind === 'answered' || attempt.kind === 'refused' || attempt.kind === 'later') isKnown = true;
      if (attempt.kind === 'answered') return attempt.body as T;
      failingSince ??= ambient.monotonic();
      const trial = {
        attempts,
        failingMs: ambient.monotonic() - failingSince,
        retryAfterMs: attempt.kind === 'later' ? attempt.retryAfterMs : 0,
        draw: drawOf(ambient),
      };
      const isPatient = isKnown || attempt.kind === 'unanswered';
      const pauseMs = mayRepeat(request, attempt) ? pauseBefore(trial, isPatient ? knownMs : strangerMs) : undefined;
      const wasSentBefore = wasSent;
      wasSent ||= mayHaveArrived(attempt);
      if (pauseMs === undefined) throw errorOf(attempt, url, wasSentBefore, wasSent);
      await sleep(pauseMs, ambient);
    }
  }

  return {
    send,
    close() {
      isClosed = true;
      return wire.close();
    },
  };
}

function textOf(body: unknown): string {
  try {
    return jsonTextOf(body);
  } catch (error) {
    throw new ConcordatError('invalid_json', (error as JsonError).message);
  }
}

/** To come back later says nothing of what was asked: a gateway says so too, of what is still under way behind it. */
const mayHaveArrived = ({ kind }: Attempt): boolean => kind === 'unanswered' || kind === 'garbled' || kind === 'later';

type Failed = Exclude<Attempt, { readonly kind: 'answered' }>;

function errorOf(attempt: Failed, url: string, wasSentBefore: boolean, wasSent: boolean): Error {
  if (!('error' in attempt)) return unreachable(url, attempt.cause, wasSent);
  return wasSentBefore ? afterSilence(attempt.error) : attempt.error;
}

const closed = (url: string, wasSent: boolean): NoCoordinator =>
  new NoCoordinator(`this client of ${url} was closed: call close() after its last use`, { url, wasSent });

/** What is left of a wait: the answer is promised by then, however often it is asked for. */
const leftOf = (waitSeconds: number | undefined, passedMs: number): number | undefined =>
  waitSeconds === undefined ? undefined : Math.max(0, Math.ceil(waitSeconds - passedMs / 1000));

/** In [0, 1); the end of a drawn id is nothing but chance. */
const drawOf = (ambient: Ambient): number => Number.parseInt(ambient.uuid().slice(-8), 16) / 2 ** 32;

function mayRepeat({ repeatable, once }: Request, { kind }: Attempt): boolean {
  if (once || kind === 'refused') return false;
  return repeatable || kind === 'unsent';
}
