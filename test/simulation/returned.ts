/** An answer on its way back, piece by piece: what the host writes, and what the coordinator gets to see of it. */
import type { Dispatcher } from 'undici';
import type { BatchResponse } from '../../sdk/participant/batch.js';
import { limits } from '../../sdk/protocol/limits.js';

export type Taker = Dispatcher.DispatchHandler;

/** What is wrong with an answer: at its source, or by what a proxy on the way makes of it. */
export type Flaw = { readonly cutAfter: number } | 'one is left out' | 'without end' | 'garbled' | 'redirects';

export interface ReturnedParts {
  readonly taker: Taker;
  /** Lets a piece through, now or later, or never. */
  readonly passes: (deliver: () => void) => void;
  readonly flaw?: Flaw | undefined;
  /** Hears the status that the host gave. */
  readonly onStatus?: (status: number) => void;
  /** An answer that never ends was read on when it had become as large as any may be. */
  readonly onEndless?: () => void;
  readonly bytesMax?: number;
}

const reset = () => Object.assign(new Error('the other side closed'), { code: 'UND_ERR_SOCKET' });
/** Nobody registered there. */
const elsewhere = 'http://127.0.0.1:9/elsewhere';
const rubbish = Buffer.alloc(1024 * 1024, 'x');

export class Returned implements BatchResponse {
  readonly #parts: ReturnedParts;
  #isOver = false;
  #sent = 0;
  #leftOut = false;

  constructor(parts: ReturnedParts) {
    this.#parts = parts;
  }

  get flaw(): Flaw | undefined {
    return this.#parts.flaw;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  writeHead(status: number, headers: Record<string, string | number>): void {
    this.#parts.onStatus?.(status);
    if (this.#parts.flaw === 'redirects') this.#head(307, { location: elsewhere });
    else this.#head(status, headers);
  }

  #head(status: number, headers: Record<string, string | number>): void {
    const lines = Object.entries(headers)
      .filter(([name]) => this.#parts.flaw === undefined || name !== 'content-length')
      .flatMap(([name, value]) => [Buffer.from(name), Buffer.from(String(value))]);
    this.#pass((taker) => taker.onHeaders?.(status, lines, () => undefined, ''));
  }

  write(text: string): void {
    const { flaw } = this.#parts;
    const told = flaw === 'one is left out' ? this.#withoutOne(text) : flaw === 'garbled' ? text.slice(0, -1) : text;
    const bytes = Buffer.from(told);
    this.#pass((taker) => this.#deliver(taker, bytes));
  }

  end(text = ''): void {
    if (text !== '') this.write(text);
    if (this.#parts.flaw === 'without end') this.#pass((taker) => this.#pour(taker));
    this.#pass((taker) => {
      this.#isOver = true;
      taker.onComplete?.([]);
    });
  }

  /** The connection breaks, on either side. */
  fail(error: Error = reset()): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.taker.onError?.(error);
  }

  #pass(piece: (taker: Taker) => void): void {
    this.#parts.passes(() => {
      if (!this.#isOver) piece(this.#parts.taker);
    });
  }

  #deliver(taker: Taker, bytes: Buffer): void {
    const { flaw } = this.#parts;
    const most = typeof flaw === 'object' ? flaw.cutAfter - this.#sent : bytes.byteLength;
    this.#sent += bytes.byteLength;
    if (most > 0) taker.onData?.(bytes.subarray(0, most));
    if (most < bytes.byteLength) this.fail();
  }

  #pour(taker: Taker): void {
    const { bytesMax = limits.batchAnswerBytes, onEndless } = this.#parts;
    for (let poured = 0; !this.#isOver; poured += rubbish.byteLength) {
      if (poured > bytesMax + 2 * rubbish.byteLength) {
        onEndless?.();
        this.fail();
      } else taker.onData?.(rubbish);
    }
  }

  #withoutOne(text: string): string {
    if (this.#leftOut) return text;
    this.#leftOut = true;
    if (!text.startsWith('{"outcomes":')) return text.slice(text.indexOf('\n') + 1);
    const { outcomes } = JSON.parse(text) as { outcomes: unknown[] };
    return JSON.stringify({ outcomes: outcomes.slice(1) });
  }
}
