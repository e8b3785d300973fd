/**
 * A transaction as code in this process takes part in it: opened here, or joined from a trusted caller.
 *
 * 1. Once it has ended nothing joins it: what still runs in its context is told so.
 * 2. Its end waits for what was begun in it and not awaited. What fails then was seen by nobody, so it is rolled back.
 * 3. A mark counts here at once, and is sent.
 */
import { planted } from '#faults';
import type { Calls } from './calls.js';
import type { CurrentTransaction } from './context.js';
import { TransactionEnded } from './errors.js';
import { reasonOf, reasonText } from './reasons.js';

export class Initiated implements CurrentTransaction {
  readonly role = 'initiator';
  readonly xid: string;
  readonly #calls: Pick<Calls, 'rollbackOnly'>;
  readonly #begun = new Set<Promise<void>>();
  /** What callers hold of the work that was begun: nobody may look at it any more. */
  readonly #handed = new Set<Promise<unknown>>();
  readonly #marks: Promise<void>[] = [];
  #marked: string | undefined;
  #returned = false;
  #ended = false;

  constructor(xid: string, calls: Pick<Calls, 'rollbackOnly'>) {
    this.xid = xid;
    this.#calls = calls;
  }

  get rollbackOnly(): boolean {
    return this.#marked !== undefined;
  }

  /** Why it must not commit; undefined when nobody here said so. */
  get marked(): string | undefined {
    return this.#marked;
  }

  /** Throws TransactionEnded when nothing may join it any more; `what` wants to. */
  mustBeOpen(what: string): void {
    if (this.#ended && !planted('join-after-the-end')) throw new TransactionEnded(this.xid, what);
  }

  async setRollbackOnly(reason = 'marked rollback-only'): Promise<void> {
    this.mustBeOpen('setRollbackOnly');
    await this.mark(reasonText(reason));
  }

  /** Sets the mark and sends it. Whoever does not wait for it need not look at it: {@link Initiated.settled} does. */
  mark(reason: string): Promise<void> {
    this.#marked ??= reason;
    const sent = this.#calls.rollbackOnly(this.xid, reason).then(() => undefined);
    sent.catch(() => undefined);
    this.#marks.push(sent);
    return sent;
  }

  /** Begins work that the end of the transaction waits for. */
  begin<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.mustBeOpen(what);
    const working = work();
    const settled = working.then(
      () => undefined,
      (error: unknown) => {
        if (this.#returned && !this.#ended) void this.mark(reasonText(`${what} was not awaited; ${reasonOf(error)}`));
      },
    );
    const handed = working.then((value) => value);
    this.#begun.add(settled);
    this.#handed.add(handed);
    void settled.then(() => {
      this.#begun.delete(settled);
      this.#handed.delete(handed);
    });
    return handed;
  }

  /** The code of the transaction has returned: waits for what it left running, then lets nothing join any more. */
  async returned(): Promise<void> {
    this.#returned = true;
    while (this.#begun.size > 0 && !planted('leave-unawaited-calls')) {
      this.#lookAway();
      await Promise.all(this.#begun);
    }
    this.#ended = true;
  }

  /** Lets nothing join any more, whatever still runs. */
  end(): void {
    this.#lookAway();
    this.#ended = true;
  }

  /** Resolves when every mark is with the coordinator. Rejects when one is not. */
  async marksSent(): Promise<void> {
    await Promise.all(this.#marks);
  }

  /** Nobody awaits these; that they fail is told by the end of the transaction. */
  #lookAway(): void {
    for (const handed of this.#handed) handed.catch(() => undefined);
  }
}
