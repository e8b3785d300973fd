import type { Dispatcher } from 'undici';
import { planted, reach } from '#faults';
import { limits } from '../../sdk/protocol/limits.js';
import type { Clock } from '../clock.js';
import { BodyCollector } from './body.js';
import { headersThatMatter } from './raw-headers.js';
import type { Answer } from './transport.js';

/** No whole answer came. `timedOut`: the deadline passed. */
export interface Lost {
  readonly error: string;
  readonly timedOut: boolean;
}

export interface Request {
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: string;
  /** For everything: waiting for a connection, connecting, headers and body. */
  readonly deadlineMs: number;
}

/**
 * Sends one POST and reads the whole answer, up to the limit and the deadline. Never rejects. A connection whose answer
 * was not read to its proper end is closed.
 */
export function exchange(pool: Pick<Dispatcher, 'dispatch'>, clock: Clock, request: Request): Promise<Answer | Lost> {
  return new Promise((settle) => {
    const { path, headers, body, deadlineMs } = request;
    // One deadline replaces both of undici's timeouts, which only watch for silence.
    const options = { path, method: 'POST', headers, body, headersTimeout: 0, bodyTimeout: 0 };
    pool.dispatch(options, new Call(settle, clock, deadlineMs));
  });
}

const bodyBytesMax = (): number => (planted('read-any-size') ? Number.POSITIVE_INFINITY : limits.outcomeBodyBytes);

/**
 * One call. It has the older of undici's two shapes of a handler: the newer one does not say when the request has been
 * written, and costs a tenth of the rate. An AbortController for each call would cost half of it.
 */
class Call implements Dispatcher.DispatchHandler {
  readonly #settle: (result: Answer | Lost) => void;
  readonly #cancelDeadline: () => void;
  readonly #body = new BodyCollector(bodyBytesMax());
  #abort: ((reason: Error) => void) | undefined;
  #status = 0;
  #headers: Answer['headers'] = {};
  #settled = false;

  constructor(settle: (result: Answer | Lost) => void, clock: Clock, deadlineMs: number) {
    this.#settle = settle;
    this.#cancelDeadline = planted('no-total-deadline')
      ? () => undefined
      : clock.after(deadlineMs, () => this.#expire(deadlineMs));
  }

  /** Comes just before the request is written; after the deadline nothing is written any more. */
  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    if (this.#settled) abort(new Error('expired before it was sent'));
    else reach('before-send');
  }

  onBodySent(): void {
    reach('after-send-before-reply');
  }

  onHeaders(status: number, lines: Buffer[]): boolean {
    // Informational ones (1xx) come before the answer.
    if (status < 200) return true;
    this.#status = status;
    this.#headers = headersThatMatter(lines);
    if (Number(this.#headers['content-length']) > bodyBytesMax()) this.#refuseSize();
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (!this.#body.add(chunk)) this.#refuseSize();
    return true;
  }

  onComplete(): void {
    reach('after-reply');
    this.#end({ status: this.#status, headers: this.#headers, body: this.#body.take() });
  }

  onError(error: Error): void {
    const after = this.#status === 0 ? '' : ` after status ${this.#status}`;
    this.#end({ error: `no whole answer${after}: ${error.message || error.name}`, timedOut: false });
  }

  #expire(deadlineMs: number): void {
    const within = `within ${Math.round(deadlineMs)} ms`;
    const error = this.#abort ? `no whole answer ${within}` : `expired before it was sent: no connection ${within}`;
    this.#end({ error, timedOut: true });
  }

  #refuseSize(): void {
    const error = `answered ${this.#status} with a body of more than ${limits.outcomeBodyBytes} bytes`;
    this.#end({ error, timedOut: false });
  }

  #end(result: Answer | Lost): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#cancelDeadline();
    this.#settle(result);
    // Whatever is left of the answer is not read: its connection goes.
    if ('error' in result) this.#abort?.(new Error(result.error));
  }
}
