/**
 * Carries out one command behind the fence of a database.
 *
 * 1. Work in the database, its row and its answer are one commit, and nothing is answered before it returned.
 * 2. `Refused` takes back the work and keeps the refusal: of a forward op for ever, of a commit or rollback op for this
 *    attempt. `Pending` and other errors leave nothing.
 * 3. Work outside of the database runs between two commits: one that says that it was started, and one that says what came
 *    of it. It holds no transaction and no connection.
 * 4. A command that meets another one of its branch at work is told to ask again; it waits for nothing. A handler that was
 *    given up is at work until it has ended.
 */
import { planted } from '#faults';
import { Pending, Refused } from '../protocol/answers.js';
import type { Json } from '../protocol/json.js';
import type { OpenTransaction } from '../resources/database.js';
import {
  type BranchKey,
  FenceBusy,
  type FenceChange,
  type FenceEnd,
  type FenceTable,
  type Found,
  type Visit,
} from '../resources/fence/table.js';
import type { Clock } from './clock.js';
import { type OpAnswer, Rejected } from './command.js';
import { type FencedOp, fromRefusal, judge, rowOf, rowsFor, running, type Verdict } from './fence-rules.js';
import { toOutput } from './output.js';

export interface FencedCommand extends FencedOp {
  readonly key: BranchKey;
  /** UTC ms: it is not begun after this, and its work in the database is taken back when it takes longer. */
  readonly expiresAt: number;
  /** Names the handler and op in errors. */
  readonly where: string;
}

/** What the work is given. */
export interface WorkSite {
  /** Throws where no transaction is held. */
  readonly db: () => OpenTransaction;
  /** The forward op's answer: from the fence, else from the command. */
  readonly output: Json | undefined;
  /** UTC ms: when its time is over. */
  readonly until: number;
}

export type FencedWork = (site: WorkSite) => Promise<unknown>;

const twinRetryMs = 100;

/** Branches at work in this process, by the table that their rows are in. */
const atWork = new WeakMap<FenceTable, Set<string>>();

/** Rejects with Rejected when the command's time is over, with anything else when nothing is known. */
export async function runFenced(
  table: FenceTable,
  command: FencedCommand,
  work: FencedWork,
  clock: Clock,
): Promise<OpAnswer> {
  const branches = atWork.get(table) ?? new Set();
  atWork.set(table, branches);
  const { origin, xid, branch } = command.key;
  const name = `${origin}\n${xid}\n${branch}`;
  if (branches.has(name) && !planted('fence-lets-twins-wait')) return running(twinRetryMs);
  branches.add(name);
  let left: Promise<unknown> | undefined;
  try {
    const visit: Visit = (place, visitor) => table.visit(place, visitor);
    if (command.external) return await runOutside(visit, command, work, clock);
    return await runInside(visit, command, work, clock, (unended) => {
      // In a second run, where the first one's work was taken back with its group's.
      left = left ? Promise.allSettled([left, unended]) : unended;
    });
  } catch (error) {
    if (error instanceof FenceBusy) return running(twinRetryMs);
    throw error;
  } finally {
    const free = () => branches.delete(name);
    if (left) left.then(free, free);
    else free();
  }
}

/** Work in the database, in the transaction of its row. `leave` gets a handler that is given up while it still runs. */
export function runInside(
  visit: Visit,
  command: FencedCommand,
  work: FencedWork,
  clock: Clock,
  leave: (unended: Promise<unknown>) => void = () => undefined,
): Promise<OpAnswer> {
  const place = { key: command.key, at: clock.now(), rows: rowsFor(command) };
  return visit(place, async (found, db) => {
    assertInTime(command, clock);
    const verdict = judge(command, found, clock.now());
    if (verdict.kind === 'answer') return withoutWork(verdict);
    const site = { db, output: verdict.output, until: command.expiresAt };
    try {
      const output = toOutput(await inTime(command, clock, work(site), leave), command.where);
      return done(command, verdict.set, output, place.at);
    } catch (error) {
      return thrown(command, error, place.at);
    }
  });
}

const withoutWork = ({ answer, release, set }: Verdict & { kind: 'answer' }): FenceEnd<OpAnswer> => ({
  ...kept(answer, set),
  release,
});

const kept = <T>(answer: T, set: readonly FenceChange[]): FenceEnd<T> => ({ answer, undo: false, release: false, set });

/** The row says done already; it is written again only where there is more to say. */
function done(command: FencedOp, set: readonly FenceChange[], output: Json, at: number): FenceEnd<OpAnswer> {
  const phase = rowOf(command);
  const others = set.filter((change) => change.phase !== phase);
  const isKnown = (output === null && others.length === set.length) || planted('fence-forgets-outputs');
  const own: FenceChange = { phase, outcome: 'done', result: output, at };
  return kept({ kind: 'done', output }, isKnown ? others : [...others, own]);
}

/** What a handler's error comes to. Throws it on when nothing is known. */
function thrown(command: FencedOp, error: unknown, at: number): FenceEnd<OpAnswer> {
  if (error instanceof Pending) return undone(toPending(error));
  if (!(error instanceof Refused)) throw error;
  const answer = { kind: 'refused', reason: error.message, code: error.code } as const;
  if (forgets(command)) return undone(answer);
  return { ...kept(answer, [refusal(command, answer, at)]), undo: !planted('fence-keeps-refused-work') };
}

const undone = (answer: OpAnswer): FenceEnd<OpAnswer> => ({ answer, undo: true, release: true, set: [] });

const toPending = ({ retryAfterMs }: Pending): OpAnswer => ({ kind: 'pending', retryAfterMs, running: false });

const refusal = (command: FencedOp, answer: OpAnswer & { kind: 'refused' }, at: number): FenceChange => ({
  phase: rowOf(command),
  outcome: 'refused',
  result: fromRefusal(answer, command.phase === 'forward' ? undefined : command.attempt),
  at,
});

/** Without its attempt's number a refused end could not be told from one that is asked anew. */
const forgets = ({ phase, attempt }: FencedOp): boolean =>
  phase === 'forward'
    ? planted('fence-forgets-refusals')
    : attempt === undefined || planted('fence-forgets-refused-ends');

function assertInTime({ expiresAt, where }: FencedCommand, clock: Clock): void {
  if (clock.now() < expiresAt) return;
  throw new Rejected(408, 'expired', `${where}: the command's time was over before its turn came`);
}

/**
 * The coordinator waits no longer: the work is given up, so that it does not hold the database for ever. What it still does
 * through `tx.db` is refused; what it asked of the database in another way waits for the connection and runs then.
 */
function inTime<T>(
  { expiresAt, where }: FencedCommand,
  clock: Clock,
  work: Promise<T>,
  leave: (unended: Promise<unknown>) => void,
): Promise<T> {
  if (expiresAt === Number.POSITIVE_INFINITY) return work;
  return new Promise((resolve, reject) => {
    const cancel = clock.after(expiresAt - clock.now(), () => {
      leave(work);
      reject(new Error(outOfTime(where)));
    });
    work.then(resolve, reject).then(cancel);
  });
}

const outOfTime = (where: string): string =>
  `${where}: the command's time was over before the handler was done, and its work through tx.db was taken back. ` +
  'What it asked of its database in another way is not: it may still take effect, at each attempt. Where the pool has one ' +
  'connection it waits for that of tx.db, for as long as the handler waits for it; use tx.db alone';

/** A run outside of the database that was begun here. */
interface Run {
  readonly startedAt: number;
  readonly output: Json | undefined;
}

/** Work outside of the database, between two commits. */
async function runOutside(visit: Visit, command: FencedCommand, work: FencedWork, clock: Clock): Promise<OpAnswer> {
  const startedAt = clock.now();
  const place = { key: command.key, at: startedAt, rows: rowsFor(command) };
  const begun = await visit<OpAnswer | Run>(place, (found) => {
    assertInTime(command, clock);
    const verdict = judge(command, found, startedAt);
    if (verdict.kind === 'answer') return withoutWork(verdict);
    return kept<Run>({ startedAt, output: verdict.output }, verdict.set);
  });
  if ('kind' in begun) return begun;
  return settle(visit, command, begun, clock, await outcomeOf(command, begun, work));
}

/** What a run came to; `error` is anything that is neither an answer nor a word of the handler's. */
type Ran = { readonly answer: OpAnswer } | { readonly error: unknown };

async function outcomeOf(command: FencedCommand, run: Run, work: FencedWork): Promise<Ran> {
  const db = (): never => {
    throw new Error(noTransaction(command.where));
  };
  try {
    const until = run.startedAt + command.runMs;
    return {
      answer: {
        kind: 'done',
        output: toOutput(await work({ db, output: run.output, until }), command.where),
      },
    };
  } catch (error) {
    if (error instanceof Pending) return { answer: toPending(error) };
    if (error instanceof Refused) return { answer: { kind: 'refused', reason: error.message, code: error.code } };
    return { error };
  }
}

/** Commits what a run came to, if the row still is that of the run. Throws the handler's error. */
async function settle(visit: Visit, command: FencedCommand, run: Run, clock: Clock, ran: Ran): Promise<OpAnswer> {
  const phase = rowOf(command);
  const place = { key: command.key, at: clock.now(), rows: [] };
  const answer = await visit<OpAnswer | undefined>(place, (found) => {
    const row = phase === 1 ? found.first : found.second;
    const isOurs = row?.outcome === 'started' && row.at === run.startedAt && !isEnded(phase, found);
    const answer = isOurs ? ('answer' in ran ? ran.answer : undefined) : overtaken(command, ran, found);
    return kept(answer, isOurs ? changesOf(command, run, ran, clock.now()) : []);
  });
  if (answer) return answer;
  if ('error' in ran) throw ran.error;
  throw new Error(
    `${command.where}: ran for longer than its ${command.runMs} ms, and its branch went on without it; say a longer runMs`,
  );
}

/** The branch's end has come: what a forward op did since is not known to it. */
const isEnded = (phase: 1 | 2, { second }: Found): boolean => phase === 1 && second !== undefined;

/** Another run has the row by now. What it says is the answer; else nothing is known. */
function overtaken(command: FencedOp, ran: Ran, { first, second }: Found): OpAnswer | undefined {
  const row = command.phase === 'forward' ? first : second;
  return 'answer' in ran && row?.outcome === 'done' ? { kind: 'done', output: row.result } : undefined;
}

function changesOf(command: FencedOp, run: Run, ran: Ran, now: number): readonly FenceChange[] {
  const phase = rowOf(command);
  if ('error' in ran) return [{ phase, outcome: 'started', result: { over: true }, at: run.startedAt }];
  const { answer } = ran;
  switch (answer.kind) {
    case 'done':
      return [{ phase, outcome: 'done', result: answer.output, at: now }];
    case 'refused':
      return forgets(command)
        ? [{ phase, outcome: 'pending', result: null, at: now }]
        : [refusal(command, answer, now)];
    default:
      return [{ phase, outcome: 'pending', result: null, at: now }];
  }
}

const noTransaction = (where: string): string =>
  `${where}: tx.db is not there for an external handler, whose effect is outside of the database and which holds no transaction; use tx.idempotencyKey, or take away external: true`;
