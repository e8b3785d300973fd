/** Work that has begun and not ended. */
export class UnderWay {
  #count = 0;
  #whenIdle: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  /** Begins some, and counts it from before its first line. What it throws at once, it rejects with. */
  begin<T>(work: () => Promise<T>): Promise<T> {
    this.#count++;
    const begun = begunOf(work);
    begun.then(this.#ended, this.#ended);
    return begun;
  }

  /** Resolves when there is none. */
  idle(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  readonly #ended = (): void => {
    this.#count--;
    if (this.#count > 0) return;
    for (const tell of this.#whenIdle.splice(0)) tell();
  };
}

function begunOf<T>(work: () => Promise<T>): Promise<T> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}
