import type { Dispatcher } from 'undici';
import { planted, reach } from '#faults';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Json } from '../../sdk/protocol/json.js';
import { limits } from '../../sdk/protocol/limits.js';
import type { Clock } from '../clock.js';
import { readAnswer } from './answer.js';
import { type BatchReader, readerFor } from './batch-reader.js';
import { BodyCollector } from './body.js';
import { readOutcome } from './outcome.js';
import { headersThatMatter } from './raw-headers.js';
import { cleanText } from './text.js';
import type { Answer, Reply } from './transport.js';

/** A command that waits for its reply. */
export interface Waiting {
  readonly command: Command;
  /** By monotonic time: nothing that comes later counts. */
  readonly deadline: number;
  readonly settle: (reply: Reply) => void;
}

/** How a batch ended, beside its outcomes. */
export interface BatchEnd {
  /** The host knows no batches: these were not looked at. */
  readonly unsupported: (commands: readonly Waiting[]) => void;
  /** Nothing at all came back. */
  readonly noAnswer: () => void;
  /** Left without an outcome: they are better asked by themselves. */
  readonly leftOut: (command: Command) => void;
}

/** When all outcomes are there, the end of the answer is waited for so long, to keep the connection. */
const lingerMs = 1000;

/** One request with several commands, and its answer. Each outcome counts as soon as it is there. */
export class BatchCall implements Dispatcher.DispatchHandler {
  readonly #waiting: (Waiting | undefined)[];
  readonly #clock: Clock;
  readonly #end: BatchEnd;
  #left: number;
  #reader: BatchReader | undefined;
  #refusal: BodyCollector | undefined;
  #status = 0;
  #headers: Answer['headers'] = {};
  #abort: ((reason: Error) => void) | undefined;
  #cancelTimer: () => void = () => undefined;
  #over = false;

  constructor(waiting: readonly Waiting[], clock: Clock, end: BatchEnd) {
    this.#waiting = [...waiting];
    this.#left = waiting.length;
    this.#clock = clock;
    this.#end = end;
    this.#setTimer();
  }

  /** Comes just before the request is written; after the last deadline nothing is written any more. */
  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    if (this.#left === 0) abort(new Error('expired before it was sent'));
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
    const reader = status === 200 && readerFor(this.#headers, this.#waiting.length, (i, value) => this.#take(i, value));
    if (typeof reader === 'object') this.#reader = reader;
    else if (typeof reader === 'string') this.#fail(`answered 200: ${reader}`);
    else this.#refusal = new BodyCollector(limits.outcomeBodyBytes);
    return true;
  }

  onData(chunk: Buffer): boolean {
    const body = this.#reader ?? this.#refusal;
    if (body?.add(chunk) === false) this.#fail('answered with more than a batch may have');
    return true;
  }

  onComplete(): void {
    if (this.#over) return;
    if (this.#refusal) {
      this.#refused(this.#refusal.take());
      return;
    }
    const flaw = this.#reader?.close();
    this.#finish(`the answer ended without its outcome${flaw ? `: ${flaw}` : ''}`);
  }

  onError(error: Error): void {
    if (this.#over) return;
    if (this.#status === 0) this.#end.noAnswer();
    const after = this.#status === 0 ? '' : ` after status ${this.#status}`;
    this.#finish(`no whole answer${after}: ${error.message || error.name}`);
  }

  #take(index: number, value: Json): void {
    const waiting = this.#waiting[index];
    // A second word on it does not count.
    if (!waiting) return;
    this.#waiting[index] = undefined;
    this.#left--;
    reach('after-reply');
    waiting.settle(readOutcome(value, waiting.command.body.op, this.#clock.now()));
    if (this.#left === 0) this.#linger();
  }

  /** The batch as a whole got an answer that is none. It is no outcome of any command, whatever its status. */
  #refused(body: Uint8Array): void {
    const status = this.#status;
    if (status === 404 || status === 405 || status === 501) {
      const left = this.#waiting.filter((waiting) => waiting !== undefined);
      this.#close();
      this.#end.unsupported(left);
      return;
    }
    const mayMislead = status < 300 || status === 409 || status === 425;
    const answer = { status, headers: this.#headers, body };
    this.#finish(mayMislead ? `the batch was answered ${status}` : readAnswer(answer, 'action', this.#clock.now()));
  }

  #fail(why: string): void {
    this.#finish(why);
    this.#abort?.(new Error(why));
  }

  /** Nothing more will come: what has no outcome by now has none. */
  #finish(why: string | Reply): void {
    const left = this.#waiting.filter((waiting) => waiting !== undefined);
    this.#close();
    const reply: Reply = typeof why === 'string' ? { kind: 'unknown', error: cleanText(`batch: ${why}`, 300) } : why;
    for (const { command, settle } of left) {
      this.#end.leftOut(command);
      settle(reply);
    }
  }

  #close(): void {
    this.#over = true;
    this.#waiting.fill(undefined);
    this.#left = 0;
    this.#cancelTimer();
  }

  /** One timer serves all deadlines, as those of a batch are close together. */
  #setTimer(): void {
    if (planted('no-total-deadline')) return;
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) if (waiting && waiting.deadline < next) next = waiting.deadline;
    this.#cancelTimer = this.#clock.after(next - this.#clock.monotonic(), () => this.#expire());
  }

  #expire(): void {
    const now = this.#clock.monotonic();
    const why = this.#abort ? 'no outcome in time' : 'expired before it was sent: no connection in time';
    for (const [index, waiting] of this.#waiting.entries()) {
      // A timer may fire a moment early.
      if (!waiting || waiting.deadline > now + 1) continue;
      this.#waiting[index] = undefined;
      this.#left--;
      this.#end.leftOut(waiting.command);
      waiting.settle(late(why));
    }
    if (this.#left > 0) this.#setTimer();
    else this.#giveUp(why);
  }

  #linger(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(lingerMs, () => this.#giveUp('no end in time'));
  }

  #giveUp(why: string): void {
    this.#close();
    this.#abort?.(new Error(why));
  }
}

const late = (why: string): Reply =>
  planted('timeout-is-a-no') ? { kind: 'refused', reason: why } : { kind: 'unknown', error: `batch: ${why}` };
