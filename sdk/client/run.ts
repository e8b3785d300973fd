/**
 * Runs code as a transaction, or inside the one it is in.
 *
 * 1. An error that leaves the code rolls back, unless a rule forgives it, and is thrown on once that is durable.
 * 2. Code that returned is only answered so when commit is decided. Where the end turned into a rollback it is told
 *    RolledBack, and Uncertain where nobody says what the end was.
 * 3. Code that joined decides nothing: its error marks the transaction, and whoever opened it is told RolledBack.
 */
import { planted } from '#faults';
import type { OpenBody } from '../protocol/schemas.js';
import type { Caller } from './calls.js';
import { type CurrentTransaction, currentTransaction, runIn } from './context.js';
import { commit, isAlreadyDecided, rollback, type WaitFor } from './deciding.js';
import { PropagationError, RolledBack } from './errors.js';
import { Initiated } from './initiated.js';
import { onlyKnown } from './options.js';
import { reasonOf, tag, tagNotRolledBack } from './reasons.js';
import { checkRules, type RollbackRules, rollsBack } from './rollback-rules.js';

/**
 * What to do about the transaction that the caller is in.
 * - `required`: join it; open one when there is none.
 * - `requiresNew`: open one, and leave the other alone meanwhile.
 * - `supports`: join it; without one when there is none.
 * - `mandatory`: join it; PropagationError when there is none.
 * - `notSupported`: run outside of it.
 * - `never`: PropagationError when there is one.
 */
export type Propagation = 'required' | 'requiresNew' | 'supports' | 'mandatory' | 'notSupported' | 'never';

export interface RunOptions extends RollbackRules {
  /** One line of at most 128 characters, for people and for lists. */
  readonly name: string;
  /** `required` by default. */
  readonly propagation?: Propagation;
  /** Deadline in ms; a minute by default. */
  readonly timeoutMs?: number;
  /** What people know it by: an order number. */
  readonly businessKey?: string;
  readonly metadata?: OpenBody['metadata'];
  /** At the deadline: `rollback` (default), or `ask` what `check` names. */
  readonly onTimeout?: 'rollback' | 'ask';
  /** Whom to ask how the initiator's own work ended; with `onTimeout: 'ask'`. */
  readonly check?: OpenBody['check'];
  /** When the call returns: once the decision is durable (default), or once it is carried out everywhere. */
  readonly wait?: WaitFor;
}

/** The code of a transaction; it is given the one that it runs in. */
export type Body<T> = (transaction: CurrentTransaction | undefined) => Promise<T>;

const propagations: ReadonlySet<string> = new Set([
  'required',
  'requiresNew',
  'supports',
  'mandatory',
  'notSupported',
  'never',
] satisfies Propagation[]);

const known = [
  'name',
  'propagation',
  'timeoutMs',
  'businessKey',
  'metadata',
  'onTimeout',
  'check',
  'wait',
  'rollbackFor',
  'noRollbackFor',
] as const satisfies readonly (keyof RunOptions)[];

type Checked = RollbackRules & Pick<Partial<RunOptions>, 'name' | 'propagation' | 'wait'>;

/**
 * Throws TypeError when an option is wrong, where it is written and not where it is first used. `where` is for messages,
 * `more` are options that are known there besides.
 */
export function checkRunOptions(options: Checked, where: string, more: readonly string[] = []): void {
  onlyKnown(options, [...known, ...more], where);
  checkRules(options);
  const { name, propagation = 'required', wait = 'decision' } = options;
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw new TypeError(`name: expected the name of the transaction, got ${JSON.stringify(name)}`);
  if (!propagations.has(propagation))
    throw new TypeError(
      `propagation: expected one of ${[...propagations].join(', ')}, got ${JSON.stringify(propagation)}`,
    );
  if (wait !== 'decision' && wait !== 'final')
    throw new TypeError(`wait: expected 'decision' or 'final', got ${JSON.stringify(wait)}`);
}

/** Opens a transaction for a body. */
export type Open = <T>(options: RunOptions, body: Body<T>) => Promise<T>;

/**
 * Runs `body` as the options say. `openFor` is called only where a transaction is to be opened. `embedded`: the coordinator
 * of this process that it is asked of, if it is one.
 */
export async function run<T>(openFor: Open, options: RunOptions, body: Body<T>, embedded?: object): Promise<T> {
  const { name, propagation = 'required' } = options;
  const current = currentTransaction();
  const join = (): Promise<T> => joined(current, options, body, embedded);
  const open = (): Promise<T> => openFor(options, body);
  switch (propagation) {
    case 'required':
      return current ? join() : open();
    case 'requiresNew':
      return open();
    case 'supports':
      return join();
    case 'mandatory':
      if (current) return join();
      throw new PropagationError(`'${name}' is mandatory: expected to be called inside a transaction, got none`);
    case 'notSupported':
      return runIn(undefined, () => body(undefined));
    case 'never':
      if (!current) return body(undefined);
      throw new PropagationError(`'${name}' is never: expected no transaction, got a call inside ${current.xid}`);
  }
}

async function joined<T>(
  current: CurrentTransaction | undefined,
  rules: RunOptions,
  body: Body<T>,
  embedded: object | undefined,
): Promise<T> {
  if (!current) return body(undefined);
  const initiated = current instanceof Initiated ? current : undefined;
  initiated?.mustBeOpen(`'${rules.name}'`);
  initiated?.mustBeAt(embedded, `'${rules.name}'`);
  try {
    return await body(current);
  } catch (error) {
    if (rollsBack(error, rules) && !planted('commit-after-a-swallowed-error'))
      await markedFor(current, initiated, `'${rules.name}' threw ${reasonOf(error)}`);
    tag(error, current.xid);
    throw error;
  }
}

/** A handler's host waits for the mark by itself; elsewhere it is placed before the error goes on to who may swallow it. */
async function markedFor(current: CurrentTransaction, initiated: Initiated | undefined, why: string): Promise<void> {
  const reason = why.slice(0, 1000);
  if (!initiated) void current.setRollbackOnly(reason).catch(() => undefined);
  else if (!initiated.rollbackOnly) await initiated.mark(reason).catch(() => undefined);
}

/** Runs `body` as a new transaction, whatever its propagation. */
export async function runNew<T>(caller: Caller, options: RunOptions, body: Body<T>): Promise<T> {
  const { wait = 'decision' } = options;
  const xid = caller.ambient.uuid();
  await open(caller, xid, options);
  const transaction = new Initiated(xid, caller.calls, caller.embedded);
  let result: T;
  try {
    result = await runIn(transaction, () => body(transaction));
  } catch (error) {
    if (rollsBack(error, options)) {
      transaction.end();
      throw await thrownOn(caller, xid, error, wait);
    }
    await finish(caller, transaction, wait, error);
    tag(error, xid);
    throw error;
  }
  await finish(caller, transaction, wait);
  return result;
}

async function open({ calls }: Caller, xid: string, options: RunOptions): Promise<void> {
  const { name, timeoutMs, businessKey, metadata, onTimeout, check } = options;
  try {
    await calls.open({
      xid,
      name,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(businessKey !== undefined && { businessKey }),
      ...(metadata && { metadata }),
      ...(onTimeout && { onTimeout }),
      ...(check && { check }),
    });
  } catch (error) {
    tag(error, xid);
    throw error;
  }
}

/** The code came to its end and wants to commit. Rejects when it did not come to that. `cause`: what it threw all the same. */
async function finish(caller: Caller, transaction: Initiated, wait: WaitFor, cause?: unknown): Promise<void> {
  const { xid } = transaction;
  await transaction.returned();
  try {
    if (transaction.marked === undefined) return void (await commit(caller, xid, wait));
    throw new RolledBack(await rollback(caller, xid, transaction.marked, wait));
  } catch (error) {
    if (cause !== undefined && error instanceof Error && error.cause === undefined) error.cause = cause;
    tag(error, xid);
    throw error;
  }
}

/** Rolls back for an error, and answers what is to be thrown: the error itself, but where commit was decided meanwhile. */
async function thrownOn(caller: Caller, xid: string, error: unknown, wait: WaitFor): Promise<unknown> {
  try {
    await rollback(caller, xid, reasonOf(error), wait);
  } catch (failure) {
    if (isAlreadyDecided(failure)) {
      failure.cause = error;
      tag(failure, xid);
      return failure;
    }
    tagNotRolledBack(error, failure);
  }
  tag(error, xid);
  return error;
}
