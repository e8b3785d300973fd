/** Answers that go on: server-sent events, as the HTML standard has them. */
import type { ServerResponse } from 'node:http';
import { planted } from '#faults';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { limits } from '../../sdk/protocol/limits.js';
import type { Clock } from '../clock.js';

/** Proxies and readers take a connection for dead that is silent for longer. */
const beatMs = 15_000;

/** How long a reader that was cut off waits before it comes back. */
const retryMs = 1000;

export interface StreamLimits {
  readonly countMax: number;
  /** What may wait for a reader who does not keep up. */
  readonly bytesMax: number;
}

/** Headers of every stream, beside those of every answer. */
export const streamHeaders = Object.freeze({
  'content-type': 'text/event-stream; charset=utf-8',
  // Some proxies keep an answer to themselves until it is complete.
  'x-accel-buffering': 'no',
  // The connection serves no other request, and does not outlive a stop.
  connection: 'close',
});

/** One event; `data` is JSON, so it is one line. Without a type and data it only tells where the stream is. */
export const eventText = (id: string, type?: string, data?: string): string =>
  type === undefined ? `id: ${id}\n\n` : `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;

/** One open stream. */
export class Line {
  readonly #response: ServerResponse;
  readonly #bytesMax: number;
  #closed = false;
  #stuck = false;
  /** Resolves when it is over, whoever ended it. */
  readonly closed: Promise<void>;

  constructor(response: ServerResponse, bytesMax: number) {
    this.#response = response;
    this.#bytesMax = bytesMax;
    this.closed = new Promise((resolve) => {
      response.once('close', () => {
        this.#closed = true;
        resolve();
      });
    });
    response.on('error', () => response.destroy());
  }

  get isOpen(): boolean {
    return !this.#closed && !this.#response.writableEnded && !this.#response.destroyed;
  }

  /** Cuts off a reader who does not keep up: he comes back with the id of his last event, and nothing is lost. */
  write(text: string | Uint8Array): void {
    if (!this.isOpen) return;
    const tooMuchWaits = this.#response.writableLength > this.#bytesMax;
    if (tooMuchWaits && !planted('stream-without-bound')) this.cut();
    else this.#response.write(text);
  }

  /** Resolves when what was written is out, or the stream is over. */
  async drained(): Promise<void> {
    if (!this.isOpen || !this.#response.writableNeedDrain) return;
    await Promise.race([this.closed, new Promise<void>((resolve) => this.#response.once('drain', resolve))]);
  }

  /** A sign of life; ends a stream whose reader read nothing since the last one. */
  beat(): void {
    const isStuck = this.#response.writableNeedDrain;
    if (isStuck && this.#stuck) this.cut();
    else if (!isStuck) this.write(':\n\n');
    this.#stuck = isStuck;
  }

  /** Ends it; what a slow reader did not take is not waited for. */
  end(): void {
    if (this.#response.writableNeedDrain) this.cut();
    else if (this.isOpen) this.#response.end();
  }

  /** Ends it at once. */
  cut(): void {
    this.#response.destroy();
  }
}

/** All that are open. */
export class Streams {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #limits: StreamLimits;
  readonly #open = new Set<Line>();
  #cancelBeat: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'after'>, { countMax, bytesMax }: Partial<StreamLimits> = {}) {
    this.#clock = clock;
    this.#limits = { countMax: countMax ?? limits.streamsMax, bytesMax: bytesMax ?? limits.streamBytes };
  }

  get size(): number {
    return this.#open.size;
  }

  /** Throws `too_many_watchers` when there is no room for one more. */
  makeRoom(): void {
    const { countMax } = this.#limits;
    if (this.#open.size < countMax) return;
    throw new ConcordatError(
      'too_many_watchers',
      `expected at most ${countMax} streams at once; close some, or try again`,
    );
  }

  /** Begins a stream on a response whose head is not written yet. */
  open(response: ServerResponse, headers: Readonly<Record<string, string>>): Line {
    response.writeHead(200, headers);
    const line = new Line(response, this.#limits.bytesMax);
    line.write(`retry: ${retryMs}\n\n`);
    this.#open.add(line);
    this.#cancelBeat ??= this.#clock.after(beatMs, () => this.#beat());
    void line.closed.then(() => this.#open.delete(line));
    return line;
  }

  /** Ends all of them, and waits for nobody. */
  close(): void {
    this.#cancelBeat?.();
    this.#cancelBeat = undefined;
    for (const line of this.#open) line.end();
  }

  #beat(): void {
    this.#cancelBeat = this.#open.size === 0 ? undefined : this.#clock.after(beatMs, () => this.#beat());
    for (const line of this.#open) line.beat();
  }
}
