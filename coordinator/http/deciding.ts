/** Commit, rollback and the mark that turns the one into the other. */
import { ConcordatError } from '../../sdk/protocol/errors.js';
import { defaults } from '../../sdk/protocol/limits.js';
import { emptyBody, reasonBody } from '../../sdk/protocol/schemas.js';
import type { State } from '../decide/state.js';
import { check } from './check.js';
import { waitMsOf } from './prefer.js';
import type { Answer, Call, Rooms } from './route.js';
import { applied } from './transactions.js';
import { transactionView } from './views.js';
import { isAtRest, isDecided, waitFor, xidOf } from './waiting.js';

export async function commit(rooms: Rooms, call: Call): Promise<Answer> {
  const xid = xidOf(call);
  const waitMs = waitMsOf(call.headers.prefer);
  check(emptyBody, call.body);
  const { state } = await rooms.engine.handle(xid, { type: 'commit' }, call);
  return answerWhenDecided(rooms, call, state, waitMs);
}

export async function rollback(rooms: Rooms, call: Call): Promise<Answer> {
  const xid = xidOf(call);
  const waitMs = waitMsOf(call.headers.prefer);
  const { reason = `rolled back by ${call.by}` } = check(reasonBody, call.body);
  const { state } = await rooms.engine.handle(xid, { type: 'rollback', reason }, call);
  const decided = await waitFor(rooms, state, isDecided, waitMs ?? defaults.branchWaitMs, call);
  // The initiator was asked first, and its own work is committed.
  if (decided.decision === 'commit') {
    throw new ConcordatError(
      'already_decided',
      `commit of ${xid} is decided: ${decided.reason ?? 'it was asked for first'}`,
    );
  }
  return answerWhenDecided(rooms, call, decided, waitMs);
}

/** Without a preference the answer comes when the decision is durable; with one, when it is carried out. */
async function answerWhenDecided(rooms: Rooms, call: Call, state: State, waitMs: number | undefined): Promise<Answer> {
  const enough = waitMs === undefined ? isDecided : isAtRest;
  const waited = await waitFor(rooms, state, enough, waitMs ?? defaults.branchWaitMs, call);
  return {
    // Parked on the question to its initiator, it is not decided.
    status: enough(waited) && waited.decision !== null ? 200 : 202,
    body: transactionView(waited, rooms.clock.now()),
    headers: waitMs === undefined ? {} : applied(waitMs),
  };
}

export async function markRollbackOnly({ engine, clock }: Rooms, call: Call): Promise<Answer> {
  const xid = xidOf(call);
  const { reason = `marked rollback-only by ${call.by}` } = check(reasonBody, call.body);
  const { state } = await engine.handle(xid, { type: 'rollback_only', reason }, call);
  return { status: 200, body: transactionView(state, clock.now()) };
}
