import { StoreError, type StoreStats } from './store.js';

/** Whether a store may still be used. Once it is closed or broken, every call is turned away. */
export class Gate {
  #shut: StoreError | undefined;

  get shut(): StoreError | undefined {
    return this.#shut;
  }

  /** Throws when the store is closed or broken. */
  check(): void {
    if (this.#shut) throw this.#shut;
  }

  close(): void {
    this.#shut ??= new StoreError('closed', 'the store is closed');
  }

  /** A failed fsync may have lost writes that were answered as done: nothing that is read or written counts any more. */
  break(cause: unknown): StoreError {
    const because = cause instanceof Error ? cause.message : String(cause);
    const error = new StoreError('broken', `the store can no longer be trusted, end this process: ${because}`, cause);
    if (this.#shut?.kind !== 'broken') this.#shut = error;
    return error;
  }
}

export type Counters = { -readonly [Name in keyof StoreStats]: number };

export const counters = (): Counters => ({ groups: 0, appends: 0, statements: 0, rowsWritten: 0 });
