/** What a client throws besides ConcordatError and Refused. Each says what was expected, what came and what to do. */
import type { TransactionView } from '../protocol/views.js';

/** Nobody to talk to: no client was given, or the coordinator does not answer under its address. */
export class NoCoordinator extends Error {
  override readonly name = 'NoCoordinator';
  /** Where nobody answers; undefined when there is no client at all. */
  readonly url: string | undefined;

  /** Whether the request may have reached a coordinator: what was asked may have been done then, or may still be. */
  readonly wasSent: boolean;

  constructor(
    message: string,
    options: { readonly url?: string; readonly cause?: unknown; readonly wasSent?: boolean } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.url = options.url;
    this.wasSent = options.wasSent ?? false;
  }
}

/** Nobody answers at `url`. */
export function unreachable(url: string, cause: unknown, wasSent: boolean): NoCoordinator {
  const why = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
  const doubt = wasSent ? '; what was asked may have been done' : '';
  const message = `no coordinator answers at ${url} (${why}); is it running, and is CONCORDAT_URL right?${doubt}`;
  return new NoCoordinator(message, { url, cause, wasSent });
}

/** The transaction was rolled back, whatever the code in it came to: by a mark, a deadline, or a branch without an outcome. */
export class RolledBack extends Error {
  override readonly name = 'RolledBack';
  readonly xid: string;
  /** As the coordinator has it. */
  readonly reason: string;
  /** As it was when this was thrown: undoing may still be under way. */
  readonly transaction: TransactionView;

  constructor(transaction: TransactionView, options: { readonly cause?: unknown } = {}) {
    const reason = transaction.reason ?? 'no reason given';
    super(`transaction ${transaction.xid} ('${transaction.name}') was rolled back: ${reason}`, options);
    this.xid = transaction.xid;
    this.reason = reason;
    this.transaction = transaction;
  }
}

/** Nobody knows how it ended: a branch whose participant gave no answer, or a transaction whose coordinator gave none. */
export class Uncertain extends Error {
  override readonly name = 'Uncertain';
  readonly xid: string;
  /** The id of the branch, when it is one that is uncertain. */
  readonly branch: string | undefined;

  constructor(message: string, options: { readonly xid: string; readonly branch?: string; readonly cause?: unknown }) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.xid = options.xid;
    this.branch = options.branch;
  }
}

/** Code that still runs in the context of a transaction that has ended asked something of it. */
export class TransactionEnded extends Error {
  override readonly name = 'TransactionEnded';
  readonly xid: string;

  constructor(xid: string, what: string) {
    super(
      `${what}: transaction ${xid} has ended, and this code still runs in its context; await the work inside the transaction, or run it with propagation 'notSupported' or 'requiresNew'`,
    );
    this.xid = xid;
  }
}

/** A propagation level did not allow what was there: `mandatory` without a transaction, `never` within one. */
export class PropagationError extends Error {
  override readonly name = 'PropagationError';
}
