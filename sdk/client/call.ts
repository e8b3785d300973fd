/** One call of a participant: a branch of the transaction that the caller is in, else a transaction of its own. */
import { Refused } from '../protocol/answers.js';
import { ConcordatError } from '../protocol/errors.js';
import { type Json, JsonError, plainJson } from '../protocol/json.js';
import { defaults, limits } from '../protocol/limits.js';
import { hasTemplate } from '../protocol/references.js';
import type { BranchBody } from '../protocol/schemas.js';
import type { BranchView, TransactionView } from '../protocol/views.js';
import type { CallOptions, CallTarget, LoneCallOptions } from './call-types.js';
import type { Caller, Calls } from './calls.js';
import { currentTransaction } from './context.js';
import { mustNotBeOverdue, parked } from './deciding.js';
import { type Ambient, sleep } from './environment.js';
import { PropagationError, RolledBack, Uncertain } from './errors.js';
import { Initiated } from './initiated.js';
import { isNo, reasonOf, tag } from './reasons.js';

/**
 * Calls a participant and answers with its output. Rejects with Refused (a business no), RolledBack, Uncertain,
 * TransactionEnded, PropagationError inside a handler, and what the coordinator says otherwise.
 */
export function call(caller: Caller, target: CallTarget, input: unknown, options: LoneCallOptions): Promise<Json> {
  // No promise around the one of `begin`: the end of the transaction looks after that very one when nobody else does.
  try {
    const transaction = currentTransaction();
    const branch = (): BranchBody => branchOf(caller.ambient, target, input, options, transaction !== undefined);
    if (!transaction) return callAlone(caller, branch(), options);
    const what = `the call of ${nameOf(target)}`;
    if (!(transaction instanceof Initiated)) throw insideHandler(what);
    transaction.mustBeAt(caller.embedded, what);
    // What is wrong with the input is a failure of the call as any other: it may be one that nobody awaits.
    return transaction.begin(what, async () => callInside(caller, transaction, branch()));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Why code that works for a branch must not add another. */
export const insideHandler = (what: string): PropagationError =>
  new PropagationError(
    `${what}: expected code that is not at work for a branch, got a handler; its database transaction may be open, and nobody is called meanwhile. Call from the initiator, or run it with propagation 'requiresNew' or 'notSupported'`,
  );

/** The body that is sent, and sent again: what the caller does to `input` later does not change it. */
function branchOf(
  ambient: Ambient,
  target: CallTarget,
  input: unknown,
  { id, retry, timeoutMs }: CallOptions,
  isInside: boolean,
): BranchBody {
  const handler = 'handler' in target ? target.handler : 'call';
  return {
    // A transaction of one branch needs no id that is drawn; a fixed one makes it the same when it is repeated by its xid.
    id: id ?? (isInside ? drawBranchId(ambient, handler) : handler),
    ...target,
    ...(input !== undefined && { input: inputOf(input, target) }),
    ...(retry && { retry }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

function inputOf(input: unknown, target: CallTarget): Json {
  try {
    return plainJson(input, limits.stepInputBytes);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const refused = new ConcordatError('invalid_request', `the input of ${nameOf(target)}: ${error.message}`, [
      { pointer: '/input', message: error.message },
    ]);
    refused.cause = error;
    throw refused;
  }
}

/** No two processes draw the same, not even within one transaction: 62 bits and more of it are random. */
const drawBranchId = (ambient: Ambient, handler: string): string =>
  `${handler.slice(0, 40)}-${ambient.uuid().slice(15).replaceAll('-', '')}`;

const nameOf = ({ participant, handler, url }: Partial<Record<'participant' | 'handler' | 'url', string>>): string =>
  url ?? `${participant}.${handler}`;

/** Between two looks at a branch that has no outcome; each look waits for one by itself. */
const lookAgainMs = 200;

/**
 * Once a request of it may have arrived, only an outcome of this very branch, or that the transaction is rolled back, ends
 * the call as a no. After everything else it may be done, and whoever catches that cannot know: the transaction is marked.
 */
async function callInside({ calls, ambient }: Caller, transaction: Initiated, branch: BranchBody): Promise<Json> {
  const { xid } = transaction;
  const beganAt = ambient.monotonic();
  let wasTaken = false;
  try {
    for (;;) {
      const view = await calls.addBranch(xid, branch);
      wasTaken = true;
      const known = outcomeOf(xid, view);
      if (known) return known.output;
      // Nothing is decided by that: a person may yet find that it is done.
      if (view.status === 'parked') throw new Error(`it parked: ${view.lastError}`);
      const whole = await calls.get(xid);
      if (whole.decision === 'rollback') throw rolledBack(whole, branch.id);
      if (whole.decision === 'commit') return outcomeInside(whole, branch.id);
      mustNotBeOverdue(whole, beganAt, ambient);
      await sleep(lookAgainMs, ambient);
    }
  } catch (error) {
    if (isOutcome(error)) throw error;
    if (isNo(error, wasTaken)) throw await whyNotHere(calls, xid, error);
    void transaction.mark(`no answer to ${nameOf(branch)}: ${reasonOf(error)}`);
    throw unansweredInside(xid, branch, error);
  }
}

/** What was heard of the call, and not that nothing could be heard. */
const isOutcome = (error: unknown): boolean =>
  error instanceof Refused || error instanceof RolledBack || error instanceof Uncertain;

const unansweredInside = (xid: string, branch: BranchBody, cause: unknown): Uncertain =>
  new Uncertain(
    `nobody answers how ${nameOf(branch)} ended (${reasonOf(cause)}): it may be done, or may still be; transaction ${xid} is not committed any more, so that nothing else is done in its place`,
    { xid, branch: branch.id, cause },
  );

/** A commit waits for every outcome: this one is there by now. */
function outcomeInside(whole: TransactionView, id: string): Json {
  const { xid, result } = whole;
  if (Object.hasOwn(result, id)) return result[id] ?? null;
  const branch = whole.branches.find((each) => each.id === id);
  const known = branch && outcomeOf(xid, branch);
  if (known) return known.output;
  throw new Uncertain(`commit of transaction ${xid} is decided, and nobody says how branch '${id}' ended`, {
    xid,
    branch: id,
  });
}

/** The output of a forward op that has one, undefined while it has no outcome. Throws what a caller is thrown. */
function outcomeOf(xid: string, view: BranchView): { readonly output: Json } | undefined {
  const { kind, status, output, id, lastError, code } = view;
  if (kind === 'message') return { output: null };
  switch (status) {
    case 'done':
    case 'committed':
      return { output };
    case 'refused':
      throw refusedOf(lastError, code);
    case 'uncertain':
      throw uncertain(xid, id, lastError);
    default:
      return undefined;
  }
}

const uncertain = (xid: string, id: string, why: string | null): Uncertain =>
  new Uncertain(
    `nobody knows how branch '${id}' of transaction ${xid} ended (${why}); the transaction is rolled back, and the branch with it`,
    { xid, branch: id },
  );

/** Rolled back for this very branch, or for another reason: the reason says which. */
function rolledBack(whole: TransactionView, id: string): Uncertain | RolledBack {
  const said = `'${id}' ended without an outcome: `;
  const isThis = whole.reason?.startsWith(said) ?? false;
  return isThis ? uncertain(whole.xid, id, whole.reason?.slice(said.length) ?? null) : new RolledBack(whole);
}

const refusedOf = (reason: string | null, code: string | null): Refused =>
  new Refused(reason ?? 'no reason given', code === null ? {} : { code });

/** What a transaction that takes no more work came to, or that it is elsewhere, if that is why; the error itself otherwise. */
async function whyNotHere(calls: Calls, xid: string, error: unknown): Promise<unknown> {
  if (!(error instanceof ConcordatError)) return error;
  if (error.code === 'transaction_not_found') return elsewhere(error);
  if (error.code !== 'transaction_not_active') return error;
  const whole = await calls.get(xid).catch(() => undefined);
  return whole?.decision === 'rollback' ? new RolledBack(whole, { cause: error }) : error;
}

/** Two addresses may lead to one coordinator, so nobody can tell before it is asked. */
function elsewhere(unknown: ConcordatError): ConcordatError {
  const told = new ConcordatError(
    unknown.code,
    `${unknown.message}; was the transaction opened by a client of another coordinator? Then run this call with propagation 'requiresNew' or 'notSupported'`,
    unknown.details,
  );
  told.cause = unknown;
  return told;
}

/** How long a call outside of a transaction waits for its end before it is content with the decision. */
const endWithinSeconds = 30;

async function callAlone({ calls, ambient }: Caller, branch: BranchBody, options: LoneCallOptions): Promise<Json> {
  const { xid = ambient.uuid(), deadlineMs = defaults.deadlineMs } = options;
  const plan = {
    xid,
    name: nameOf(branch).slice(0, 128),
    timeoutMs: deadlineMs,
    // In a plan what looks like a reference would be one.
    steps: [hasTemplate((branch.input ?? null) as Json) ? { ...branch, input: { $value: branch.input } } : branch],
  };
  let wasTaken = false;
  try {
    let whole = await calls.submit(plan, { waitSeconds: endWithinSeconds });
    wasTaken = true;
    while (whole.decision === null && whole.status !== 'parked') whole = await calls.wait(xid);
    return outputOf(whole, branch.id);
  } catch (error) {
    const thrown = isOutcome(error) || isNo(error, wasTaken) ? error : unansweredAlone(xid, branch, error);
    tag(thrown, xid);
    throw thrown;
  }
}

const unansweredAlone = (xid: string, branch: BranchBody, cause: unknown): Uncertain =>
  new Uncertain(
    `nobody answers how ${nameOf(branch)} ended (${reasonOf(cause)}): it may be done, or may still be; ask with client.get('${xid}'), or repeat the same call with that xid`,
    { xid, branch: branch.id, cause },
  );

function outputOf(whole: TransactionView, id: string): Json {
  const { decision, status } = whole;
  if (status === 'parked') throw parked(whole);
  if (decision === 'commit') return whole.result[id] ?? null;
  const branch = whole.branches.find((each) => each.id === id);
  if (branch?.status === 'refused') throw refusedOf(branch.lastError, branch.code);
  // It was asked more than once and therefore undone: the reason of the transaction says what it had answered.
  const said = `'${id}' was refused: `;
  if (whole.reason?.startsWith(said)) throw refusedOf(whole.reason.slice(said.length), branch?.code ?? null);
  throw new RolledBack(whole);
}
