/** One call of a participant: a branch of the transaction that the caller is in, else a transaction of its own. */
import { Refused } from '../protocol/answers.js';
import { ConcordatError } from '../protocol/errors.js';
import { type Json, plainJson } from '../protocol/json.js';
import { defaults, limits } from '../protocol/limits.js';
import { hasTemplate } from '../protocol/references.js';
import type { BranchBody } from '../protocol/schemas.js';
import type { BranchView, TransactionView } from '../protocol/views.js';
import type { CallOptions, CallTarget, LoneCallOptions } from './call-types.js';
import type { Caller, Calls } from './calls.js';
import { currentTransaction } from './context.js';
import { parked } from './deciding.js';
import { type Ambient, sleep } from './environment.js';
import { PropagationError, RolledBack, Uncertain } from './errors.js';
import { Initiated } from './initiated.js';
import { mayBeDone, reasonOf, tag } from './reasons.js';

/**
 * Calls a participant and answers with its output. Rejects with Refused (a business no), RolledBack, Uncertain,
 * TransactionEnded, PropagationError inside a handler, and what the coordinator says otherwise.
 */
export function call(caller: Caller, target: CallTarget, input: unknown, options: LoneCallOptions): Promise<Json> {
  // No promise around the one of `begin`: the end of the transaction looks after that very one when nobody else does.
  try {
    const branch = branchOf(caller.ambient, target, input, options);
    const transaction = currentTransaction();
    if (!transaction) return callAlone(caller, branch, options);
    const what = `the call of ${nameOf(branch)}`;
    if (!(transaction instanceof Initiated)) throw insideHandler(what);
    return transaction.begin(what, () => callInside(caller, transaction, branch));
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
function branchOf(ambient: Ambient, target: CallTarget, input: unknown, options: CallOptions): BranchBody {
  const { id, retry, timeoutMs } = options;
  return {
    id: id ?? drawBranchId(ambient, 'handler' in target ? target.handler : 'call'),
    ...target,
    ...(input !== undefined && { input: plainJson(input, limits.stepInputBytes) }),
    ...(retry && { retry }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/** No two processes draw the same, not even within one transaction: 62 bits and more of it are random. */
const drawBranchId = (ambient: Ambient, handler: string): string =>
  `${handler.slice(0, 40)}-${ambient.uuid().slice(15).replaceAll('-', '')}`;

const nameOf = ({ participant, handler, url }: BranchBody): string => url ?? `${participant}.${handler}`;

/** Between two looks at a branch that has no outcome; each look waits for one by itself. */
const lookAgainMs = 200;

async function callInside({ calls, ambient }: Caller, transaction: Initiated, branch: BranchBody): Promise<Json> {
  const { xid } = transaction;
  try {
    for (;;) {
      const view = await calls.addBranch(xid, branch);
      const known = outcomeOf(xid, view);
      if (known) return known.output;
      const whole = await calls.get(xid);
      if (whole.decision === 'rollback') throw rolledBack(whole, branch.id);
      // A commit waits for every outcome: this one is there by now.
      if (whole.decision === 'commit') return whole.result[branch.id] ?? null;
      await sleep(lookAgainMs, ambient);
    }
  } catch (error) {
    // It may be done, and whoever catches this cannot know.
    if (mayBeDone(error)) void lookAway(transaction.mark(`no answer to ${nameOf(branch)}: ${reasonOf(error)}`));
    throw await whyNotActive(calls, xid, error);
  }
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
    case 'parked':
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

/** What a transaction that takes no more work came to, if that is why; the error itself otherwise. */
async function whyNotActive(calls: Calls, xid: string, error: unknown): Promise<unknown> {
  if (!(error instanceof ConcordatError) || error.code !== 'transaction_not_active') return error;
  const whole = await calls.get(xid).catch(() => undefined);
  return whole?.decision === 'rollback' ? new RolledBack(whole, { cause: error }) : error;
}

const lookAway = (promise: Promise<void>): Promise<void> => promise.catch(() => undefined);

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
  try {
    let whole = await calls.submit(plan, { waitSeconds: endWithinSeconds });
    while (whole.decision === null && whole.status !== 'parked') whole = await calls.wait(xid);
    return outputOf(whole, branch.id);
  } catch (error) {
    tag(error, xid);
    throw error;
  }
}

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
