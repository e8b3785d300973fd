/**
 * What the fence says to a command that finds these rows. Pure: no database, no clock.
 *
 * 1. A forward op works where no row is. One that comes after its rollback op is refused (`suppressed`), and a repeat gets
 *    the stored answer, refusals included.
 * 2. A rollback op that finds no forward op, or a refused one, is empty: recorded and done without work. But where the
 *    coordinator knows that the forward op was done, the participant has forgotten it (`forward_missing`). A forward op that
 *    asked for time and was then refused by a late outcome, which went to the coordinator alone, counts as refused.
 * 3. A commit op and a rollback op of one branch exclude each other: the second is refused (`contradiction`).
 * 4. A commit or rollback op that was refused is refused again to copies of its command, which a network may keep back, and
 *    worked again by a later attempt: a person may have mended the cause.
 * 5. Work outside of the database that was `started` may be under way until it is over by time. Nothing passes it before.
 */
import { planted } from '#faults';
import type { ForwardFact } from '../protocol/commands.js';
import type { Json } from '../protocol/json.js';
import type { Op, Phase } from '../protocol/kinds.js';
import type { FenceChange, FenceOutcome, FencePhase, FenceRow, Found, PlacedRow } from '../resources/fence/table.js';
import type { OpAnswer } from './command.js';

/** What the rules look at in a command. */
export interface FencedOp {
  readonly op: Op;
  readonly phase: Phase;
  /** From 1, of this op; undefined: not known, each is taken for a new one. */
  readonly attempt: number | undefined;
  /** Whether its kind has a forward op; a message has none. */
  readonly hasForward: boolean;
  /** What the coordinator knows of the forward op. */
  readonly forward: ForwardFact | undefined;
  readonly output: Json | undefined;
  /** Its work is outside of the database. */
  readonly external: boolean;
  /** For `external`: how long a run may take. */
  readonly runMs: number;
}

export type Verdict =
  /** Answered without work. `release`: the rows that were put there for it are taken away. */
  | {
      readonly kind: 'answer';
      readonly answer: OpAnswer;
      readonly release: boolean;
      readonly set: readonly FenceChange[];
    }
  /** To be worked. `output` is the forward op's; `set` is what the rows become if it is done. */
  | { readonly kind: 'work'; readonly output: Json | undefined; readonly set: readonly FenceChange[] };

/** Which row an op is remembered in. */
export const rowOf = ({ phase }: Pick<FencedOp, 'phase'>): FencePhase => (phase === 'forward' ? 1 : 2);

/** What its row says as long as nothing else is known. Work in the database is done, as soon as anybody can see the row. */
export const outcomeAtFirst = ({ external }: Pick<FencedOp, 'external'>): FenceOutcome =>
  external ? 'started' : 'done';

/** The rows that an op puts where none are, in the order in which they are locked. */
export function rowsFor(op: FencedOp): readonly PlacedRow[] {
  const own = { phase: rowOf(op), op: op.op, outcome: outcomeAtFirst(op) };
  if (op.phase === 'forward') return [{ ...own, unlessSettled: !planted('fence-lets-late-forwards-in') }];
  if (op.phase === 'commit' || planted('fence-lets-late-forwards-in')) return [own];
  return [{ phase: 1, op: op.op, outcome: 'empty' }, own];
}

export function judge(op: FencedOp, found: Found, now: number): Verdict {
  if (op.phase === 'forward') return judgeForward(op, found, now);
  const { second } = found;
  if (second && second.op !== op.op && !planted('fence-takes-contradictions')) return contradiction(op, second);
  if (second) return judgeKnown(op, second, now, outputOf(op, found));
  return op.phase === 'commit' ? judgeCommit(op, found, now) : judgeRollback(op, found, now);
}

function judgeForward(op: FencedOp, { first, second }: Found, now: number): Verdict {
  if ((second && !planted('fence-lets-late-forwards-in')) || first?.outcome === 'empty') return suppressed(op);
  return first ? judgeKnown(op, first, now, undefined) : work(undefined);
}

/** The op has a row already: it is answered from it, unless work outside is to be run again. */
function judgeKnown(op: FencedOp, row: FenceRow, now: number, output: Json | undefined): Verdict {
  switch (row.outcome) {
    case 'done':
    case 'empty':
      return answered({ kind: 'done', output: row.result });
    case 'refused':
      if (!isAskedAnew(op, row)) return answered(toRefusal(row.result));
      break;
    case 'started':
      if (isUnderWay(op, row, now)) return wait(op, row, now);
  }
  return work(output, [{ phase: rowOf(op), outcome: outcomeAtFirst(op), result: null, at: now }]);
}

function judgeCommit(op: FencedOp, { first }: Found, now: number): Verdict {
  if (!op.hasForward) return work(undefined);
  switch (first?.outcome) {
    case 'done':
      return work(first.result);
    case 'started':
    case 'pending':
      // A late outcome went to the coordinator alone.
      if (op.forward === 'done')
        return work(op.output, [{ phase: 1, outcome: 'done', result: op.output ?? null, at: first.at }]);
      if (first.outcome === 'started' && isInTime(op, first, now)) return wait(op, first, now);
      break;
  }
  return planted('fence-takes-missing-for-empty') ? work(op.output) : forwardMissing(op);
}

function judgeRollback(op: FencedOp, { first }: Found, now: number): Verdict {
  switch (first?.outcome) {
    case 'done':
      return work(first.result);
    case 'started':
      if (isInTime(op, first, now)) return wait(op, first, now);
      return op.forward === 'refused' ? empty(now, refusedLate(first)) : work(op.output);
    case 'pending':
      return op.forward === 'refused' ? empty(now, refusedLate(first)) : work(op.output);
  }
  if (op.forward === 'done' && !planted('fence-takes-missing-for-empty')) return forwardMissing(op);
  return empty(now);
}

/** Nothing is to be undone. `also` is what else becomes known. */
function empty(now: number, ...also: readonly FenceChange[]): Verdict {
  const set: readonly FenceChange[] = [...also, { phase: 2, outcome: 'empty', result: null, at: now }];
  return { kind: 'answer', answer: { kind: 'done', output: null }, release: false, set };
}

const refusedLate = ({ at }: FenceRow): FenceChange => ({
  phase: 1,
  outcome: 'refused',
  result: fromRefusal({ reason: 'refused by a late outcome' }),
  at,
});

const work = (output: Json | undefined, set: readonly FenceChange[] = []): Verdict => ({ kind: 'work', output, set });

const answered = (answer: OpAnswer): Verdict => ({ kind: 'answer', answer, release: true, set: [] });

const outputOf = (op: FencedOp, { first }: Found): Json | undefined =>
  first?.outcome === 'done' ? first.result : op.output;

/** A forward op's no is final. */
const isAskedAnew = ({ phase, attempt = Number.POSITIVE_INFINITY }: FencedOp, { result }: FenceRow): boolean =>
  phase !== 'forward' && attempt > ((result as { readonly attempt?: number }).attempt ?? 0);

/** The effect of a run may still come until its time is over, whatever became of the run. */
const isInTime = ({ runMs }: FencedOp, { at }: FenceRow, now: number): boolean => now < at + runMs;

/** A run that is known to have failed may be begun again at once: both have the same key. */
const isUnderWay = (op: FencedOp, row: FenceRow, now: number): boolean => isInTime(op, row, now) && !isOver(row);

const isOver = ({ result }: FenceRow): boolean => (result as { readonly over?: unknown } | null)?.over === true;

/** Between two looks at a run that is under way. */
const lookMsMax = 1000;

const wait = ({ runMs }: FencedOp, { at }: FenceRow, now: number): Verdict =>
  answered(running(Math.max(1, Math.min(lookMsMax, at + runMs - now))));

/** A twin is at work: ask again. */
export const running = (retryAfterMs: number): OpAnswer => ({ kind: 'pending', retryAfterMs, running: true });

/** As `refused` is stored; of a commit or rollback op with the attempt that was refused. */
export const fromRefusal = (
  { reason, code }: { readonly reason: string; readonly code?: string | undefined },
  attempt?: number,
): Json => ({ reason, ...(code !== undefined && { code }), ...(attempt !== undefined && { attempt }) });

function toRefusal(result: Json): OpAnswer {
  const { reason, code } = result as { readonly reason: string; readonly code?: string };
  return { kind: 'refused', reason, code };
}

const refuse = (code: string, reason: string): Verdict => answered({ kind: 'refused', code, reason });

const suppressed = ({ op }: FencedOp): Verdict =>
  refuse('suppressed', `'${op}' came after the end of its branch: it is not carried out any more`);

const contradiction = ({ op }: FencedOp, second: FenceRow): Verdict =>
  refuse('contradiction', `'${op}' was asked after '${second.op}': one branch cannot have both`);

const forwardMissing = ({ op }: FencedOp): Verdict =>
  refuse(
    'forward_missing',
    `'${op}' was asked, but the forward op that it belongs to is not known here: was this database restored from a back-up?`,
  );
