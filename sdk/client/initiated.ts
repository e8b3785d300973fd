/**
 * A transaction as code in this process takes part in it: opened here, or joined from a trusted caller.
 *
 * 1. Once it has ended nothing joins it: what still runs in its context is told so.
 * 2. Its end waits for what was begun in it and not awaited. What fails then was seen by nobody, so it is rolled back; so
 *    it is for what failed before and nobody looked at.
 * 3. A mark counts here at once, and is sent.
 */
import { planted } from '#faults';
import type { Calls } from './calls.js';
import type { CurrentTransaction } from './context.js';
import { PropagationError, TransactionEnded } from './errors.js';
import { Handed } from './handed.js';
import { reasonOf, reasonText } from './reasons.js';

export class Initiated implements CurrentTransaction {
  readonly role = 'initiator';
  readonly xid: string;
  readonly #calls: Pick<Calls, 'rollbackOnly'>;
  readonly #embedded: object | undefined;
  readonly #begun = new Set<Promise<void>>();
  /** What callers hold of the work that was begun: nobody may look at it any more. */
  readonly #handed = new Set<Handed<unknown>>();
  /** What failed while the code of the transaction ran, which may have looked at it. */
  readonly #failed: { readonly handed: Handed<unknown>; readonly why: string }[] = [];
  readonly #marks: Promise<void>[] = [];
  #marked: string | undefined;
  #returned = false;
  #ended = false;

  /** `embedded`: the coordinator of this process that it is at; undefined where it may be reached in more than one way. */
  constructor(xid: string, calls: Pick<Calls, 'rollbackOnly'>, embedded?: object) {
    this.xid = xid;
    this.#calls = calls;
    this.#embedded = embedded;
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

  /** Throws PropagationError when `what` is to be done by another coordinator of this process, which cannot know it. */
  mustBeAt(embedded: object | undefined, what: string): void {
    if (this.#embedded === undefined || embedded === undefined || this.#embedded === embedded) return;
    throw new PropagationError(
      `${what}: expected the coordinator that transaction ${this.xid} is at, got another one that is embedded in this process; run it with propagation 'requiresNew' or 'notSupported', or keep both in one coordinator`,
    );
  }

  setRollbackOnly(reason = 'marked rollback-only'): Promise<void> {
    const placed = this.#place(reason);
    // Whoever set it may look away: the end of the transaction tells what became of it.
    placed.catch(() => undefined);
    return placed;
  }

  async #place(reason: string): Promise<void> {
    this.mustBeOpen('setRollbackOnly');
    await this.mark(reason);
  }

  /** Sets the mark and sends it. Whoever does not wait for it need not look at it: {@link Initiated.settled} does. */
  mark(reason: string): Promise<void> {
    const why = reasonText(reason);
    this.#marked ??= why;
    const sent = this.#calls.rollbackOnly(this.xid, why).then(() => undefined);
    sent.catch(() => undefined);
    this.#marks.push(sent);
    return sent;
  }

  /** Takes an answer that never came, or not in full, for what it is: nobody knows what was done. Nothing after the end. */
  doubt(why: string): void {
    if (!this.#ended && !planted('silence-is-a-no')) void this.mark(why);
  }

  /** Begins work that the end of the transaction waits for. */
  begin<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.mustBeOpen(what);
    const working = work();
    const settled = working.then(
      () => undefined,
      (error: unknown) => {
        const why = `${what} was not awaited; ${reasonOf(error)}`;
        if (!this.#returned) this.#failed.push({ handed, why });
        else if (!this.#ended) void this.mark(why);
      },
    );
    const handed = Handed.of(working);
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
    const unseen = this.#failed.find(({ handed }) => !handed.wasSeen);
    this.#lookAway();
    if (unseen && !planted('leave-unawaited-calls')) void this.mark(unseen.why);
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
    for (const handed of this.#handed) handed.lookAway();
    for (const { handed } of this.#failed) handed.lookAway();
  }
}
