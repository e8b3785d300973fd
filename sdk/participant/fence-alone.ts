/** The fence without the host, for code that takes its commands in a way of its own. */
import { Pending, Refused } from '../protocol/answers.js';
import type { ForwardFact } from '../protocol/commands.js';
import { xidPattern } from '../protocol/ids.js';
import type { Json } from '../protocol/json.js';
import { type Kind, kindNames, kinds, type Op, type Phase, phaseOf } from '../protocol/kinds.js';
import type { Database, OpenTransaction } from '../resources/database.js';
import { fenceTableOf, visitIn } from '../resources/fence/open.js';
import { FenceBusy } from '../resources/fence/table.js';
import { systemClock } from './clock.js';
import type { OpAnswer } from './command.js';
import { type FencedCommand, runFenced, runInside, type WorkSite } from './fence.js';

/** What a command says of itself, as its headers and body have it. */
export interface FenceCommand {
  /** Header `concordat-origin`. */
  readonly origin: string;
  readonly xid: string;
  /** From 1. */
  readonly branch: number;
  readonly op: Op;
  /** Header `concordat-attempt`. With it a commit or rollback op that was refused is refused again to copies of its command. */
  readonly attempt?: number | undefined;
  /** What the coordinator knows of the forward op; of commit and rollback ops. */
  readonly forward?: ForwardFact | undefined;
  /** The forward op's output, as the command says; the fence's own goes before it. */
  readonly output?: Json | undefined;
}

/**
 * The work itself, on a transaction that it shares with the fence. `output` is the forward op's, for commit and rollback
 * ops. What it returns is stored as JSON.
 */
export type FenceWork<T> = (db: OpenTransaction, output: Json | undefined) => Promise<T>;

/** Makes the fence's table where it is not there. To be called once at start, before any other. */
export const prepareFence = (knex: Database): Promise<void> => fenceTableOf(knex, systemClock).prepare();

/**
 * Does the work of a command once, inside a transaction that the caller began and commits: the fence is in the same commit
 * as the work, because it is on the same connection. Resolves with what the work returned, or with the stored answer of an
 * earlier time, as JSON has it; with null where there is nothing to undo.
 *
 * Throws `Refused` for the answer 409: one that `work` threw (its work is taken back and the refusal kept: of a forward op for ever, else for this `attempt`),
 * a stored one, or with the code `suppressed`, `contradiction` or `forward_missing`. **Commit also then, before you answer**:
 * where the transaction is rolled back, the refusal is not kept. {@link fenced} sees to that. Throws `Pending` for the
 * answer 425, and what else `work` throws: roll back then.
 */
export async function fence<T>(trx: OpenTransaction, tx: FenceCommand, work: FenceWork<T>): Promise<T> {
  if (trx?.isTransaction !== true) {
    throw new TypeError(
      'fence: expected an open knex transaction, so that the fence and the work are one commit; got something else. fenced(knex, tx, work) opens one',
    );
  }
  try {
    return result(await runInside(visitIn(trx), commandOf(tx), workOf(work), systemClock));
  } catch (error) {
    throw error instanceof FenceBusy ? new Pending({ retryAfterMs: busyRetryMs }) : error;
  }
}

const busyRetryMs = 100;

/**
 * The same in a transaction of its own, which is committed when this resolves or throws `Refused`. Commands that wait for
 * the database together share one commit.
 */
export async function fenced<T>(knex: Database, tx: FenceCommand, work: FenceWork<T>): Promise<T> {
  return result(await runFenced(fenceTableOf(knex, systemClock), commandOf(tx), workOf(work), systemClock));
}

const workOf =
  <T>(work: FenceWork<T>) =>
  ({ db, output }: WorkSite): Promise<T> =>
    work(db(), output);

/** As the caller's own code reads it: what is no answer of `done` is thrown. */
function result<T>(answer: OpAnswer): T {
  switch (answer.kind) {
    case 'done':
      return answer.output as T;
    case 'refused':
      throw new Refused(answer.reason, { code: answer.code });
    case 'pending':
      throw new Pending({ retryAfterMs: answer.retryAfterMs });
  }
}

const originPattern = /^[A-Za-z0-9._:-]{1,64}$/;

/** Throws TypeError naming what is wrong: these come from the outside. */
function commandOf({ origin, xid, branch, op, attempt, forward, output }: FenceCommand): FencedCommand {
  assert(
    'origin',
    'an id of letters, digits, ".", "_", ":" or "-"',
    typeof origin === 'string' && originPattern.test(origin),
    origin,
  );
  assert('xid', 'an xid', typeof xid === 'string' && xidPattern.test(xid), xid);
  assert('branch', 'a number from 1', Number.isSafeInteger(branch) && branch >= 1, branch);
  const isAttempt = attempt === undefined || (Number.isSafeInteger(attempt) && attempt >= 1);
  assert('attempt', 'a number from 1, or none', isAttempt, attempt);
  const { kind, phase } = kindOf(op);
  return {
    key: { origin, xid, branch },
    op,
    phase,
    attempt,
    hasForward: kinds[kind].forward !== undefined,
    forward,
    output,
    external: false,
    runMs: 0,
    expiresAt: Number.POSITIVE_INFINITY,
    where: `fence, ${op} of branch ${branch} of ${xid}`,
  };
}

function assert(field: string, expected: string, holds: boolean, got: unknown): void {
  if (!holds) throw new TypeError(`fence: expected tx.${field} to be ${expected}, got ${JSON.stringify(got)}`);
}

/** No op belongs to two kinds. */
function kindOf(op: Op): { readonly kind: Kind; readonly phase: Phase } {
  for (const kind of kindNames) {
    const phase = phaseOf(kind, op);
    if (phase) return { kind, phase };
  }
  throw new TypeError(`fence: expected tx.op to be an op such as 'action' or 'compensate', got ${JSON.stringify(op)}`);
}
