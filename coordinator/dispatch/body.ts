const empty = new Uint8Array(0);
const growFrom = 4096;

/**
 * Collects a body up to a limit. One chunk, the usual case, is kept as it came; more are copied together, because a
 * million chunks of one byte would cost a hundred times their size.
 */
export class BodyCollector {
  #bytes: Uint8Array = empty;
  #length = 0;
  #owned = false;
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False when the body is too large; what came so far is let go. */
  add(chunk: Uint8Array): boolean {
    const length = this.#length + chunk.byteLength;
    if (length > this.#bytesMax) {
      this.#bytes = empty;
      return false;
    }
    if (this.#length === 0) {
      this.#bytes = chunk;
    } else {
      if (!this.#owned || length > this.#bytes.byteLength) this.#grow(length);
      this.#bytes.set(chunk, this.#length);
    }
    this.#length = length;
    return true;
  }

  #grow(length: number): void {
    const bytes = new Uint8Array(Math.max(growFrom, length * 2));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    this.#owned = true;
  }

  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
