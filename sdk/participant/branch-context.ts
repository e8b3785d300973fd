import { planted } from '#faults';
import { type CurrentTransaction, runIn } from '../client/context.js';
import { kinds, type Phase } from '../protocol/kinds.js';
import { atMost, type Clock } from './clock.js';
import type { Received } from './command.js';
import type { Surroundings } from './execute.js';

/** Where marks go: a client of the coordinator. */
export interface BranchMarks {
  rollbackOnly(xid: string, reason?: string): Promise<unknown>;
}

/**
 * Runs a handler inside the context of its transaction. Marks that it set and did not await are waited for, while its
 * database transaction is still open: were its work committed without them, a repeat would be answered from the fence
 * and the mark never be set. Rejects when one could not be placed, so that the work is rolled back and asked for again.
 */
export const branchContext =
  (client: BranchMarks, clock: Clock) =>
  (command: Received): Surroundings =>
    new BranchContext(command, client, clock);

class BranchContext implements CurrentTransaction, Surroundings {
  readonly role = 'branch';
  readonly xid: string;
  rollbackOnly = false;
  readonly #command: Received;
  readonly #client: BranchMarks;
  readonly #clock: Clock;
  readonly #marks: Promise<void>[] = [];

  constructor(command: Received, client: BranchMarks, clock: Clock) {
    this.xid = command.body.xid;
    this.#command = command;
    this.#client = client;
    this.#clock = clock;
  }

  run<T>(work: () => T): T {
    return runIn(this, work);
  }

  unfinished(): Promise<void> | undefined {
    return this.#marks.length === 0 || planted('work-without-its-marks') ? undefined : this.#placed();
  }

  setRollbackOnly(reason = `marked rollback-only by branch ${this.#command.body.branch}`): Promise<void> {
    this.rollbackOnly = true;
    const mark = this.#place(reason);
    // Whoever set it may look away: what became of it is heard at the end of the handler.
    mark.catch(() => undefined);
    this.#marks.push(mark);
    return mark;
  }

  async #place(reason: string): Promise<void> {
    const { xid, op } = this.#command.body;
    const phase = phases.get(op);
    // It is being rolled back: there is nothing left to turn.
    if (phase === 'rollback') return;
    if (phase === 'commit')
      throw new Error(`setRollbackOnly: expected a forward op, got ${op}; the commit of ${xid} is decided`);
    // The database transaction is open until then: no longer than the command holds.
    await atMost(this.#command.expiresAt - this.#clock.now(), this.#client.rollbackOnly(xid, reason), this.#clock);
  }

  async #placed(): Promise<void> {
    // One that is set while others are waited for is waited for too.
    for (let next = this.#marks.shift(); next; next = this.#marks.shift()) await next;
  }
}

/** No op belongs to two phases, whatever its kind. */
const phases: ReadonlyMap<string, Phase> = new Map(
  Object.values(kinds).flatMap((ops) =>
    Object.entries(ops).flatMap(([phase, op]) => (op === undefined ? [] : [[op, phase as Phase] as const])),
  ),
);
