/** Server-sent events of a coordinator, for as long as somebody wants them: a connection that breaks is taken up again where it broke. */
import { unreachable } from '../../sdk/client/errors.js';
import { ConcordatError, type ErrorCode, errors } from '../../sdk/protocol/errors.js';
import type { Clock } from '../clock.js';

export interface ServerEvent {
  /** Where to go on from; empty while none was given. */
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

export interface StreamOptions {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly path: string;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** Hears of a connection that broke. */
  readonly onBreak?: (reason: string) => void;
}

/** A coordinator may restart meanwhile. One that never answered is given up sooner. */
const patienceMs = { known: 30_000, stranger: 1500 };
const pauseMs = { first: 100, most: 2000 };
/** Heartbeats come far more often. */
const silenceMsMax = 60_000;
const lineCharactersMax = 64 * 1024 * 1024;

/** Ends when `signal` fires. Throws ConcordatError when the coordinator says no, NoCoordinator when nobody answers for long. */
export async function* serverEvents(options: StreamOptions): AsyncGenerator<ServerEvent> {
  const { clock, signal, url, onBreak } = options;
  let last = '';
  let isKnown = false;
  let failingSince: number | undefined;
  let pause = pauseMs.first;
  const known = (): void => {
    isKnown = true;
    failingSince = undefined;
  };
  while (!signal.aborted) {
    try {
      for await (const event of connection(options, last, known)) {
        pause = pauseMs.first;
        last = event.id;
        if (event.data !== '') yield event;
      }
      onBreak?.('the coordinator closed the stream');
    } catch (error) {
      if (signal.aborted || error instanceof Over) return;
      if (error instanceof ConcordatError && !errors[error.code].retryable) throw error;
      failingSince ??= clock.monotonic();
      const isLong = clock.monotonic() - failingSince >= (isKnown ? patienceMs.known : patienceMs.stranger);
      if (isLong) throw error instanceof ConcordatError ? error : unreachable(url, causeOf(error), false);
      onBreak?.(causeOf(error).message);
    }
    await paused(pause, clock, signal);
    pause = Math.min(pause * 2, pauseMs.most);
  }
}

/** Nothing will come any more. */
class Over extends Error {}

/** `fetch` says only that it failed; why is behind it. */
const causeOf = (error: unknown): Error =>
  error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);

async function* connection(
  { url, apiKey, path, signal, clock }: StreamOptions,
  last: string,
  onOpen: () => void,
): AsyncGenerator<ServerEvent> {
  const silent = new AbortController();
  const watchdog = (): (() => void) =>
    clock.after(silenceMsMax, () => silent.abort(new Error('nothing came for a minute')));
  let cancel = watchdog();
  try {
    const response = await fetch(url.replace(/\/$/, '') + path, {
      headers: {
        accept: 'text/event-stream',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...(last !== '' && { 'last-event-id': last }),
      },
      redirect: 'error',
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (response.status === 204) throw new Over();
    if (!response.ok) throw await problemOf(response);
    if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body)
      throw new ConcordatError('not_available', 'this coordinator has no live stream: it is of an older version');
    onOpen();
    const reader = new EventReader(last);
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      cancel();
      cancel = watchdog();
      yield* reader.read(chunk);
    }
  } finally {
    cancel();
  }
}

async function problemOf(response: Response): Promise<ConcordatError> {
  const problem: unknown = await response.json().catch(() => undefined);
  const { code, detail } = (problem ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  const isOurs = typeof code === 'string' && Object.hasOwn(errors, code);
  const text = typeof detail === 'string' ? detail : `the answer has status ${response.status} and no reason`;
  return new ConcordatError(isOurs ? (code as ErrorCode) : response.status < 500 ? 'not_available' : 'internal', text);
}

/** Takes a stream apart as the HTML standard says: fields in lines, events between blank lines. */
export class EventReader {
  #rest = '';
  #id: string;
  #type = '';
  #data: string[] = [];

  constructor(last = '') {
    this.#id = last;
  }

  *read(chunk: string): Generator<ServerEvent> {
    this.#rest += chunk;
    // A line break of two characters may come in two pieces.
    for (let match = nextBreak(this.#rest); match; match = nextBreak(this.#rest)) {
      const line = this.#rest.slice(0, match.index);
      this.#rest = this.#rest.slice(match.index + match[0].length);
      const event = this.#line(line);
      if (event) yield event;
    }
    if (this.#rest.length > lineCharactersMax) throw new Error('a line of the stream does not end');
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'event') this.#type = value;
    else if (field === 'data') this.#data.push(value);
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const [type, data] = [this.#type || 'message', this.#data];
    this.#type = '';
    this.#data = [];
    // One that is only an id tells where to go on from.
    return { id: this.#id, type, data: data.join('\n') };
  }
}

const nextBreak = (text: string): RegExpExecArray | null => /\r\n|\n|\r(?!$)/.exec(text);

const paused = (ms: number, clock: StreamOptions['clock'], signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done);
  });
