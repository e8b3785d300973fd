import type { Kind } from '../protocol/kinds.js';
import type { CheckAnswer } from '../protocol/outcomes.js';
import type { Database } from '../resources/database.js';

/** One op as the host calls it. The shapes of input and output are the user's; they were checked where it was declared. */
export type Work = (input: never, tx: never) => Promise<unknown>;

/**
 * How repeats of a command are kept from having a second effect.
 * - `database`: in the participant's own database, in the transaction of the work.
 * - `external`: the work is outside; the fence row is committed as started before it runs.
 * - `none`: the handler sees to it itself.
 */
export type Fencing = 'database' | 'external' | 'none';

/** A handler, however it was declared. */
export interface Handler {
  readonly kind: Kind;
  readonly forward?: Work;
  readonly commit?: Work;
  readonly rollback?: Work;
  readonly fence: Fencing;
  /** For `external`: how long a run may take that nothing was heard of since, before another may begin. */
  readonly runMs: number;
}

/** Asked how the initiator's own work ended. `rollback` must be final: it closes the local marker. */
export type Check = (tx: { readonly origin: string; readonly xid: string }) => Promise<CheckAnswer>;

/** A participant, however it was declared: what a host serves. */
export interface ParticipantDefinition {
  readonly name: string;
  readonly db: Database | undefined;
  readonly resourceGroup: string | undefined;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly checks: ReadonlyMap<string, Check>;
}
