import { planted } from '#faults';
import { type CurrentTransaction, runIn } from '../client/context.js';
import { kinds, type Phase } from '../protocol/kinds.js';
import { atMost, type Clock } from './clock.js';
import type { Received } from './command.js';

/** Where marks go: a client of the coordinator. */
export interface BranchMarks {
  rollbackOnly(xid: string, reason?: string): Promise<unknown>;
}

type Around = <T>(command: Received, run: () => Promise<T>) => Promise<T>;

/**
 * Runs a handler inside the context of its transaction. Marks that it set and did not await are waited for, while its
 * database transaction is still open: were its work committed without them, a repeat would be answered from the fence
 * and the mark never be set. Rejects when one could not be placed, so that the work is rolled back and asked for again.
 */
export function branchContext(client: BranchMarks, clock: Clock): Around {
  return async (command, run) => {
    const marks: Promise<void>[] = [];
    const result = await runIn(contextOf(command, client, clock, marks), run);
    // One that is set while others are waited for is waited for too.
    for (let next = marks.shift(); next && !planted('work-without-its-marks'); next = marks.shift()) await next;
    return result;
  };
}

function contextOf(
  { body, expiresAt }: Received,
  client: BranchMarks,
  clock: Clock,
  marks: Promise<void>[],
): CurrentTransaction {
  const { xid, branch, op } = body;
  const phase = phases.get(op);
  let marked = false;
  async function place(reason: string): Promise<void> {
    // It is being rolled back: there is nothing left to turn.
    if (phase === 'rollback') return;
    if (phase === 'commit')
      throw new Error(`setRollbackOnly: expected a forward op, got ${op}; the commit of ${xid} is decided`);
    // The database transaction is open until then: no longer than the command holds.
    await atMost(expiresAt - clock.now(), client.rollbackOnly(xid, reason), clock);
  }
  return {
    xid,
    role: 'branch',
    get rollbackOnly() {
      return marked;
    },
    setRollbackOnly(reason = `marked rollback-only by branch ${branch}`) {
      marked = true;
      const mark = place(reason);
      // Whoever set it may look away: what became of it is heard at the end of the handler.
      mark.catch(() => undefined);
      marks.push(mark);
      return mark;
    },
  };
}

/** No op belongs to two phases, whatever its kind. */
const phases: ReadonlyMap<string, Phase> = new Map(
  Object.values(kinds).flatMap((ops) =>
    Object.entries(ops).flatMap(([phase, op]) => (op === undefined ? [] : [[op, phase as Phase] as const])),
  ),
);
