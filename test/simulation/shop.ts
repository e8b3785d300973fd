/** What every participant of a simulation can do: handlers of each kind on its database in memory, and their misbehaviour. */

import { currentTransaction } from '../../sdk/client/context.js';
import type { Branch, Settle } from '../../sdk/participant/branch.js';
import type { Clock } from '../../sdk/participant/clock.js';
import { message, participant, saga, tcc } from '../../sdk/participant/define.js';
import type { Check, ParticipantDefinition } from '../../sdk/participant/handler.js';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Kind, Op, Phase } from '../../sdk/protocol/kinds.js';
import type { Database, OpenTransaction } from '../../sdk/resources/database.js';
import type { Transaction } from './database.js';
import type { Delta } from './history.js';
import type { Order, Provider } from './provider.js';
import type { Weather } from './weather.js';

/** Of every handler, by its name. */
export const kindOfHandler: Readonly<Record<string, Kind>> = Object.freeze({
  move: 'saga',
  charge: 'saga',
  job: 'saga',
  hold: 'tcc',
  deposit: 'tcc',
  notify: 'message',
});

/** The input of every step. */
export interface Task {
  readonly cell: string;
  readonly amount: number;
  /** This phase fails however often it is asked. */
  readonly broken?: Phase;
  /** How it fails: it throws, or asks for time for ever. */
  readonly brokenAs?: 'throws' | 'pending';
}

interface Receipt {
  readonly took: number;
}

export interface ShopParts {
  readonly name: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly weather: Weather;
  readonly provider: Provider;
  readonly check: Check;
  /** Longer than a call may take. */
  readonly tooLongMs: number;
  /** Brings the late outcome of a job to a coordinator. */
  readonly late: (ticket: string, outcome: 'done' | 'refused', receipt: Receipt) => void;
  /** Something that must never be. */
  readonly onWrong: (what: string) => void;
}

/** What stands for `tx.db` in handlers of the simulator. */
export const asDb = (transaction: Transaction): OpenTransaction => transaction as unknown as OpenTransaction;
const dbOf = (tx: Branch): Transaction => tx.db as unknown as Transaction;

export function shop(parts: ShopParts): ParticipantDefinition {
  const { name, db, check } = parts;
  const work = (phase: Phase, deltas: (task: Task) => readonly Delta[]) => async (task: Task, tx: Branch) => {
    const isMarked = await moods(parts, phase, task, tx);
    move(parts, dbOf(tx), tx, deltas(task), isMarked);
    if (parts.weather.hits('handler throws after its work')) throw new Error('broke after its work');
    if (phase === 'forward' && parts.weather.hits('handler refuses after its work'))
      throw new Refused('no', { code: 'no' });
    return { took: task.amount };
  };
  const settle =
    (phase: Phase, deltas: (task: Task) => readonly Delta[]) =>
    async (task: Task, tx: Settle<Receipt | undefined>): Promise<void> => {
      if (tx.output?.took !== task.amount) parts.onWrong(`I7 ${tx.op} of ${tx.xid} ${tx.branch} is given no output`);
      await work(phase, deltas)(task, tx);
    };
  return participant({
    name,
    db,
    handlers: {
      move: saga<Task, Receipt>({
        action: work('forward', ({ cell, amount }) => [
          [cell, -amount],
          [`sold:${cell}`, amount],
        ]),
        compensate: settle('rollback', ({ cell, amount }) => [
          [`sold:${cell}`, -amount],
          [cell, amount],
        ]),
      }),
      hold: tcc<Task, Receipt>({
        try: work('forward', ({ cell, amount }) => [
          [cell, -amount],
          [`held:${cell}`, amount],
        ]),
        confirm: settle('commit', ({ cell, amount }) => [[`held:${cell}`, -amount]]),
        cancel: settle('rollback', ({ cell, amount }) => [
          [`held:${cell}`, -amount],
          [cell, amount],
        ]),
      }),
      deposit: tcc<Task, Receipt>({
        try: work('forward', ({ cell, amount }) => [[`pending:${cell}`, amount]]),
        confirm: settle('commit', ({ cell, amount }) => [
          [`pending:${cell}`, -amount],
          [cell, amount],
        ]),
        cancel: settle('rollback', ({ cell, amount }) => [[`pending:${cell}`, -amount]]),
      }),
      notify: message<Task>({ deliver: async (task, tx) => void (await work('commit', () => [])(task, tx)) }),
      ...outside(parts),
    },
    checks: { ask: check },
  });
}

/** Handlers whose effect is outside of every database of ours. */
const outside = (parts: ShopParts) => ({
  charge: saga<Task, Receipt, true>({
    external: true,
    runMs: 2000,
    action: async (task, tx) => {
      await moods(parts, 'forward', task, tx, true);
      return receiptOf(parts, await parts.provider.charge(parts.clock, tx.idempotencyKey, orderOf(task, tx)), task);
    },
    compensate: (task, tx) => refund(parts, task, tx),
  }),
  job: saga<Task, Receipt, true>({
    external: true,
    runMs: 2000,
    action: async (task, tx) => {
      await moods(parts, 'forward', task, tx, true);
      const { ticket } = tx;
      const said = await parts.provider.begin(parts.clock, tx.idempotencyKey, orderOf(task, tx), 700, (end) => {
        if (end !== 'pending') parts.late(ticket, end === 'done' ? 'done' : 'refused', { took: task.amount });
      });
      return receiptOf(parts, said, task);
    },
    compensate: (task, tx) => refund(parts, task, tx),
  }),
});

const orderOf = ({ cell, amount }: Task, { xid, branch }: Branch): Order => ({
  xid,
  branch,
  cell: `provider/${cell}`,
  amount,
});

async function refund(parts: ShopParts, task: Task, tx: Settle<Receipt | undefined>): Promise<void> {
  await moods(parts, 'rollback', task, tx);
  await parts.provider.refund(parts.clock, tx.forwardKey, orderOf(task, tx));
}

function receiptOf({ weather }: ShopParts, said: string, { amount }: Task): Receipt {
  if (said === 'pending') throw new Pending({ retryAfterMs: 300 });
  if (said === 'done') return { took: amount };
  if (said === 'sold out') weather.took('sold out');
  throw new Refused(said, { code: 'provider' });
}

/** Changes the cells and writes the ledger. Refuses what would leave less than nothing. */
function move(
  { weather, onWrong }: ShopParts,
  transaction: Transaction,
  tx: Branch,
  deltas: readonly Delta[],
  isMarked: boolean,
): void {
  for (const [cell, by] of deltas) {
    if (transaction.get(cell) + by >= 0) continue;
    if (cell.includes(':')) onWrong(`I9 ${tx.op} of ${tx.xid} ${tx.branch} finds too little in ${cell}`);
    weather.took('sold out');
    throw new Refused('sold out', { code: 'sold_out' });
  }
  for (const [cell, by] of deltas) transaction.add(cell, by);
  transaction.note({ xid: tx.xid as Xid, branch: tx.branch, op: tx.op as Op, deltas, isMarked });
}

/** What a handler does instead of its work, or before it. */
async function moods(
  { weather, clock, tooLongMs }: ShopParts,
  phase: Phase,
  task: Task,
  tx: Branch,
  isOutside = false,
): Promise<boolean> {
  if (task.broken === phase) {
    weather.took('broken for good');
    if (task.brokenAs === 'pending') throw new Pending({ retryAfterMs: 500 });
    throw new Error('broken for good');
  }
  if (weather.hits('handler throws')) throw new Error('broke');
  if (weather.hits('handler pending'))
    throw new Pending({ retryAfterMs: weather.dice('handler pending').between(1, 2000) });
  // One whose effect is outside may refuse only what that says no to: an earlier attempt may have had its effect.
  if (phase === 'forward' && !isOutside && weather.hits('handler refuses')) throw new Refused('no', { code: 'no' });
  if (phase === 'rollback' && weather.hits('undo refused')) throw new Refused('cannot be undone');
  if (phase === 'commit' && weather.hits('confirm refused')) throw new Refused('cannot be confirmed');
  if (weather.hits('handler slow')) await pause(clock, weather.dice('handler slow').between(1, 900));
  if (weather.hits('handler slower than its call')) await pause(clock, tooLongMs);
  if (phase !== 'forward' || !weather.hits('handler marks rollback-only')) return false;
  const mark = currentTransaction()?.setRollbackOnly(`marked by branch ${tx.branch}`);
  // Whether it waits for its mark or not: its work counts only if the mark does.
  if (weather.dice('handler marks rollback-only').chance(0.5)) await mark;
  return true;
}

const pause = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
