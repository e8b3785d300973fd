/** What the participants do: one handler of each kind on a database in memory, doing what its input says. */
import type { Branch, Settle } from '../../sdk/participant/branch.js';
import type { Clock } from '../../sdk/participant/clock.js';
import { makeHandler, participant, saga } from '../../sdk/participant/define.js';
import type { Check, Handler, ParticipantDefinition } from '../../sdk/participant/handler.js';
import { Pending, Refused } from '../../sdk/protocol/answers.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Kind, Op, Phase } from '../../sdk/protocol/kinds.js';
import type { Database } from '../../sdk/resources/database.js';
import type { Transaction } from '../simulation/database.js';
import type { Delta } from '../simulation/history.js';
import type { Order, Provider } from '../simulation/provider.js';

/** `refuses`, `breaks` (throws) and `waits` (asks for time) whenever it is asked, until somebody mends it. */
export type Does = 'refuses' | 'breaks' | 'waits';

/** The input of every step. */
export interface Task {
  readonly cell: string;
  readonly amount: number;
  readonly does?: Readonly<Partial<Record<Phase, Does>>>;
}

interface Receipt {
  readonly took: number;
}

export interface DeskParts {
  readonly name: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly provider: Provider;
  readonly check: Check;
  /** The boundary before the work. Never settles in a process that died there; throws when the work fails. */
  readonly beforeWork: () => Promise<void> | undefined;
  readonly isMended: () => boolean;
  readonly onLate: (ticket: string, outcome: 'done' | 'refused', receipt: Receipt) => void;
  /** Something that must never be. */
  readonly onWrong: (what: string) => void;
}

/** Which handler stands for a kind. */
export const handlerOf = {
  saga: 'move',
  tcc: 'hold',
  xa: 'prepared',
  at: 'rows',
  message: 'notify',
} as const satisfies Record<Kind, string>;

export function desk(parts: DeskParts): ParticipantDefinition {
  const { name, db, check } = parts;
  return participant({
    name,
    db,
    handlers: {
      move: makeHandler(
        'saga',
        { forward: work(parts, 'forward', sells), rollback: work(parts, 'rollback', takesBack) },
        {},
      ),
      hold: reserving(parts, 'tcc'),
      prepared: reserving(parts, 'xa'),
      rows: reserving(parts, 'at'),
      notify: makeHandler('message', { commit: work(parts, 'commit', () => []) }, {}),
      job: outside(parts),
    },
    checks: { ask: check },
  });
}

type Deltas = (task: Task) => readonly Delta[];

const sells: Deltas = ({ cell, amount }) => [
  [cell, -amount],
  [`sold:${cell}`, amount],
];
const takesBack: Deltas = ({ cell, amount }) => [
  [`sold:${cell}`, -amount],
  [cell, amount],
];
const holds: Deltas = ({ cell, amount }) => [
  [cell, -amount],
  [`held:${cell}`, amount],
];
const takes: Deltas = ({ cell, amount }) => [
  [`held:${cell}`, -amount],
  [`sold:${cell}`, amount],
];
const letsGo: Deltas = ({ cell, amount }) => [
  [`held:${cell}`, -amount],
  [cell, amount],
];

/** A kind with three ops. */
const reserving = (parts: DeskParts, kind: Kind): Handler =>
  makeHandler(
    kind,
    {
      forward: work(parts, 'forward', holds),
      commit: work(parts, 'commit', takes),
      rollback: work(parts, 'rollback', letsGo),
    },
    {},
  );

const work = (parts: DeskParts, phase: Phase, deltas: Deltas) => async (task: Task, tx: Branch) => {
  await parts.beforeWork();
  if (phase !== 'forward' && tx.op !== 'deliver') assertReceipt(parts, task, tx as Settle<Receipt | undefined>);
  misbehave(parts, phase, task);
  const transaction = tx.db as unknown as Transaction;
  const moved = deltas(task);
  for (const [cell, by] of moved) transaction.add(cell, by);
  transaction.note({ xid: tx.xid as Xid, branch: tx.branch, op: tx.op as Op, deltas: moved, isMarked: false });
  return { took: task.amount };
};

/** Its effect is outside: asked for time at first, done later, whoever hears of it. */
const outside = (parts: DeskParts): Handler =>
  saga<Task, Receipt, true>({
    external: true,
    runMs: 500,
    action: async (task, tx) => {
      await parts.beforeWork();
      misbehave(parts, 'forward', task);
      const { ticket } = tx;
      const said = await parts.provider.begin(parts.clock, tx.idempotencyKey, orderOf(task, tx), 120, (end) => {
        parts.onLate(ticket, end === 'done' ? 'done' : 'refused', { took: task.amount });
      });
      if (said === 'pending') throw new Pending({ retryAfterMs: 200 });
      if (said !== 'done') throw new Refused(said, { code: 'provider' });
      return { took: task.amount };
    },
    compensate: async (task, tx) => {
      await parts.beforeWork();
      misbehave(parts, 'rollback', task);
      await parts.provider.refund(parts.clock, tx.forwardKey, orderOf(task, tx));
    },
  });

const orderOf = ({ cell, amount }: Task, { xid, branch }: Branch): Order => ({
  xid,
  branch,
  cell: `provider/${cell}`,
  amount,
});

function assertReceipt({ onWrong }: DeskParts, task: Task, tx: Settle<Receipt | undefined>): void {
  if (tx.output?.took !== task.amount) onWrong(`I7 ${tx.op} of ${tx.xid} ${tx.branch} is given no output`);
}

function misbehave({ isMended }: DeskParts, phase: Phase, { does }: Task): void {
  if (isMended()) return;
  switch (does?.[phase]) {
    case 'refuses':
      throw new Refused('no', { code: 'no' });
    case 'breaks':
      throw new Error('broken');
    case 'waits':
      throw new Pending({ retryAfterMs: 2000 });
  }
}
