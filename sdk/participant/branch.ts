import type { ForwardFact } from '../protocol/commands.js';
import type { Op } from '../protocol/kinds.js';
import type { Settling } from '../protocol/settling.js';
import type { OpenTransaction } from '../resources/database.js';

/** What a handler knows of the branch that it works for. */
export interface Branch {
  /** The coordinator's store; with `xid` and `branch` it names the branch in all the world. */
  readonly origin: string;
  readonly xid: string;
  /** 1, 2, 3 … within its transaction. */
  readonly branch: number;
  /** The step's id. */
  readonly id: string;
  readonly op: Op;
  /** Counts the commands of this op, from 1. */
  readonly attempt: number;
  /** `origin-xid-branch-op`: the same for every attempt. What another system is asked with it is done once. */
  readonly idempotencyKey: string;
  /** The open transaction of the participant's own database, with the fence in it. Throws where there is none. */
  readonly db: OpenTransaction;
  /** Aborted when the command's time is over. */
  readonly signal: AbortSignal;
  /** Names this command to the coordinator, for an outcome that comes later. A JSON text to be kept as it is. */
  readonly ticket: string;
}

/** What a commit or rollback op knows: the same, and what the forward op answered. */
export interface Settle<Output> extends Branch, Settling {
  /** Undefined when the forward op's answer is known neither here nor to the coordinator. */
  readonly output: Output;
  /** What the coordinator knows of the forward op. */
  readonly forward: ForwardFact;
  /** The `idempotencyKey` that the forward op had. */
  readonly forwardKey: string;
  /** Why it is rolled back, if anybody said so. */
  readonly reason: string | undefined;
}
