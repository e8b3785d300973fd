/** A number that follows from everything that was noted, in order: two runs that did the same have the same. */
export class Trace {
  #one = 0x811c9dc5;
  #other = 0x01000193;
  lines = 0;
  /** Kept only when somebody wants to read them. */
  readonly kept: string[] | undefined;

  constructor(keep: boolean) {
    this.kept = keep ? [] : undefined;
  }

  note(line: string): void {
    this.lines++;
    this.kept?.push(line);
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i);
      this.#one = Math.imul(this.#one ^ code, 0x01000193);
      this.#other = Math.imul(this.#other + code, 0x5bd1e995) ^ (this.#other >>> 13);
    }
  }

  get hash(): string {
    return [this.#one, this.#other].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
