/** What a caller holds of work that it began. It knows whether anybody ever looked at what became of it. */
export class Handed<T> extends Promise<T> {
  #wasSeen = false;

  /** What is made of it is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static of<T>(work: Promise<T>): Handed<T> {
    return new Handed<T>((resolve, reject) => {
      work.then(resolve, reject);
    });
  }

  /** Whether it was awaited, or given a handler: `await`, `Promise.all` and `catch` all come through `then`. */
  get wasSeen(): boolean {
    return this.#wasSeen;
  }

  override then<A = T, B = never>(
    onDone?: ((value: T) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#wasSeen = true;
    return super.then(onDone, onFailed);
  }

  /** Nobody need look at its failure: it is told elsewhere. This is no look at it. */
  lookAway(): void {
    super.then(undefined, () => undefined);
  }
}
