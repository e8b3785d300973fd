import { BodyCollector } from './body.js';

const lineFeed = 0x0a;

/** Cuts a stream into lines, each up to a limit; what is longer is passed over to its end. */
export class Lines {
  readonly #bytesMax: number;
  readonly #onLine: (line: Uint8Array) => void;
  #begun: BodyCollector | undefined;
  #isTooLong = false;

  constructor(bytesMax: number, onLine: (line: Uint8Array) => void) {
    this.#bytesMax = bytesMax;
    this.#onLine = onLine;
  }

  add(chunk: Uint8Array): void {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      this.#end(chunk.subarray(from, end));
      from = end + 1;
    }
    if (from < chunk.byteLength) this.#begin(chunk.subarray(from));
  }

  /** The last line may come without its end. */
  close(): void {
    if (this.#begun) this.#end(new Uint8Array(0));
  }

  #begin(part: Uint8Array): void {
    this.#begun ??= new BodyCollector(this.#bytesMax);
    if (!this.#isTooLong && !this.#begun.add(part)) this.#isTooLong = true;
  }

  #end(part: Uint8Array): void {
    const whole = this.#begun ? this.#join(part) : part;
    this.#begun = undefined;
    this.#isTooLong = false;
    if (whole && whole.byteLength > 0 && whole.byteLength <= this.#bytesMax) this.#onLine(whole);
  }

  #join(part: Uint8Array): Uint8Array | undefined {
    this.#begin(part);
    return this.#isTooLong ? undefined : this.#begun?.take();
  }
}
