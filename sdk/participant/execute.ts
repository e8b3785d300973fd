/**
 * Finds the handler of a command and runs it behind its fence.
 *
 * 1. A command that is unknown here, expired, or comes after closing has begun is not begun: `Rejected`.
 * 2. What a handler throws other than `Refused` and `Pending` is nobody's answer: `execute` rejects, nothing is kept.
 */
import { planted } from '#faults';
import { Pending, Refused } from '../protocol/answers.js';
import { kinds, type Phase, phaseOf } from '../protocol/kinds.js';
import { fenceTableOf } from '../resources/fence/open.js';
import type { FenceTable } from '../resources/fence/table.js';
import type { Clock } from './clock.js';
import { type Answer, type Execute, type Received, Rejected } from './command.js';
import { type FencedCommand, type FencedWork, runFenced, type WorkSite } from './fence.js';
import { createCleaner, keepMsDefault } from './fence-cleaning.js';
import type { Handler, ParticipantDefinition } from './handler.js';
import { toOutput } from './output.js';
import { HandlerTx, type Signals } from './tx.js';
import { UnderWay } from './under-way.js';

/** Where the executor and the fence say what nobody is answered: trouble in the background. */
export interface ExecutorLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** What one run of a handler is in. */
export interface Surroundings {
  run<T>(work: () => T): T;
  /** Asked when the handler has returned: what it began here and did not await. Its result counts once that resolves. */
  unfinished(): Promise<void> | undefined;
}

export interface ExecutorOptions {
  readonly definitions: readonly ParticipantDefinition[];
  readonly clock: Clock;
  readonly log: ExecutorLog;
  /** For the context that a handler runs in. */
  readonly around?: (command: Received) => Surroundings;
  /** How old rows of the fence become, at least; a week by default. */
  readonly keepMs?: number;
}

export interface Executor {
  /** Carries out one command. Rejects with `Rejected` when it was not begun, with anything else when nothing is known. */
  readonly execute: Execute;
  /** Makes the fence tables. Rejects with words that say what to do when a handler has no database that can be used. */
  prepare(): Promise<void>;
  /**
   * UTC ms: what the coordinator of `origin` said is the oldest that may still be asked for. Rows of that origin alone are
   * cleaned, and no further.
   */
  setFloor(utcMs: number, origin: string): void;
  /** Commands that are being carried out. */
  running(): number;
  /** Resolves when none is carried out any more. */
  idle(): Promise<void>;
  /** Takes no more commands, aborts the signals of those that run and waits for them. The databases stay open. */
  close(): Promise<void>;
}

/** What carries out a participant's ops, resolved once. */
interface Served {
  readonly definition: ParticipantDefinition;
  readonly table: FenceTable | undefined;
}

export function createExecutor(options: ExecutorOptions): Executor {
  const { definitions, clock, log, around = () => open, keepMs = keepMsDefault } = options;
  const served = new Map<string, Served>();
  const signals: Signals = new Set();
  const cleaner = createCleaner({ clock, log, keepMs, tables: () => tablesOf(served) });
  const underWay = new UnderWay();
  let closing: Promise<void> | undefined;

  const run = async (command: Received, handler: Handler, phase: Phase, site: WorkSite): Promise<unknown> => {
    const tx = new HandlerTx(command, handler, site, clock, signals);
    const inside = around(command);
    try {
      const returned = await inside.run(() => handler[phase]?.(command.body.input as never, tx as never));
      const unfinished = inside.unfinished();
      if (unfinished) await unfinished;
      return returned;
    } finally {
      tx.end();
    }
  };

  /** Throws Rejected for what is not begun. */
  function begin(command: Received): Promise<Answer> {
    if (closing) throw new Rejected(503, 'stopping', 'this host is stopping');
    assertInTime(command, clock.now());
    const { definition, table } = servedBy(served, command);
    if (command.body.op === 'check') return check(definition, command);
    const { handler, phase } = handlerOf(definition, command);
    const work = (site: WorkSite) => run(command, handler, phase, site);
    if (handler.fence === 'none' || !table) return bare(command, work);
    return runFenced(table, fencedCommand(command, handler, phase), work, clock);
  }

  for (const definition of definitions) served.set(definition.name, { definition, table: tableOf(definition, clock) });
  return {
    execute: (command) => underWay.begin(() => begin(command)),
    async prepare() {
      for (const table of tablesOf(served)) await table.prepare();
    },
    setFloor: (utcMs, origin) => cleaner.setFloor(utcMs, origin),
    running: () => underWay.count,
    idle: () => underWay.idle(),
    close() {
      closing ??= (async () => {
        for (const controller of signals) controller.abort(new Error('the host is stopping'));
        await underWay.idle();
        await cleaner.close();
      })();
      return closing;
    },
  };
}

const tablesOf = (served: ReadonlyMap<string, Served>): ReadonlySet<FenceTable> =>
  new Set([...served.values()].flatMap(({ table }) => table ?? []));

/** Undefined where no handler has a fence in a database. */
function tableOf({ name, db, handlers }: ParticipantDefinition, { monotonic }: Clock): FenceTable | undefined {
  const [fenced] = [...handlers].filter(([, { fence }]) => fence !== 'none').map(([handler]) => handler);
  if (fenced === undefined) return undefined;
  if (db === undefined) {
    throw new TypeError(
      `participant '${name}', handler '${fenced}': expected a database for its fence, got none; give the participant its db (a knex instance), also where the effect is outside of it (external: true), or say fence: 'none' when the handler itself sees to repeats`,
    );
  }
  try {
    return fenceTableOf(db, { monotonic });
  } catch (error) {
    throw new TypeError(`participant '${name}', ${(error as Error).message}`, { cause: error });
  }
}

function assertInTime({ expiresAt }: Received, now: number): void {
  if (now >= expiresAt && !planted('run-expired-commands'))
    throw new Rejected(408, 'expired', `the command held until ${expiresAt} (UTC ms), here it is ${now}`);
}

function servedBy(served: ReadonlyMap<string, Served>, { participant }: Received): Served {
  const found = served.get(participant);
  if (found) return found;
  const names = [...served.keys()].join(', ') || 'none';
  throw new Rejected(404, 'unknown_participant', `expected one of the participants ${names}, got '${participant}'`);
}

function handlerOf(definition: ParticipantDefinition, { handler: name, body }: Received): HandlerAndPhase {
  const handler = definition.handlers.get(name);
  if (!handler) {
    const names = [...definition.handlers.keys()].join(', ') || 'none';
    throw new Rejected(404, 'unknown_handler', `'${definition.name}' has the handlers ${names}, got '${name}'`);
  }
  const phase = phaseOf(handler.kind, body.op);
  if (phase && (body.kind === undefined || body.kind === handler.kind)) return { handler, phase };
  const ops = Object.values(kinds[handler.kind]).filter((op) => op !== undefined);
  throw new Rejected(
    404,
    'unknown_op',
    `'${definition.name}/${name}' is of the kind ${handler.kind} with the ops ${ops.join(', ')}, got ${body.kind ?? ''} ${body.op}`,
  );
}

interface HandlerAndPhase {
  readonly handler: Handler;
  readonly phase: Phase;
}

const whereOf = ({ participant, handler, body }: Received): string =>
  `participant '${participant}', handler '${handler}', ${body.op}`;

const fencedCommand = (command: Received, handler: Handler, phase: Phase): FencedCommand => ({
  key: { origin: command.origin, xid: command.body.xid, branch: command.body.branch },
  op: command.body.op,
  phase,
  attempt: command.attempt,
  hasForward: kinds[handler.kind].forward !== undefined,
  forward: command.body.forward,
  output: command.body.output,
  external: handler.fence === 'external',
  runMs: handler.runMs,
  expiresAt: command.expiresAt,
  where: whereOf(command),
});

async function check(definition: ParticipantDefinition, { origin, handler, body }: Received): Promise<Answer> {
  const asked = definition.checks.get(handler);
  if (asked) return { kind: 'checked', decision: await asked({ origin, xid: body.xid }) };
  const names = [...definition.checks.keys()].join(', ') || 'none';
  throw new Rejected(404, 'unknown_check', `'${definition.name}' has the checks ${names}, got '${handler}'`);
}

/** Nothing stands around a handler. */
const open: Surroundings = Object.freeze({ run: <T>(work: () => T): T => work(), unfinished: () => undefined });

/** Without a fence: the handler itself sees to repeats. */
function bare(command: Received, work: FencedWork): Promise<Answer> {
  const db = (): never => {
    throw new Error(
      `${whereOf(command)}: tx.db is not there for a handler without a fence; use the participant's own database, or give the handler a fence`,
    );
  };
  return work({ db, output: command.body.output, until: command.expiresAt }).then(
    (returned) => ({ kind: 'done', output: toOutput(returned, whereOf(command)) }),
    answerTo,
  );
}

/** What an error of a handler says. Throws it on when it says nothing. */
function answerTo(error: unknown): Answer {
  if (error instanceof Refused) return { kind: 'refused', reason: error.message, code: error.code };
  if (error instanceof Pending) return { kind: 'pending', retryAfterMs: error.retryAfterMs, running: false };
  throw error;
}
