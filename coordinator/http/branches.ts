/** Branches of a transaction that its initiator drives, and outcomes that participants bring by themselves. */

import { headers as commandHeaders } from '../../sdk/protocol/commands.js';
import { ConcordatError } from '../../sdk/protocol/errors.js';
import type { Json } from '../../sdk/protocol/json.js';
import { phaseOf } from '../../sdk/protocol/kinds.js';
import { defaults } from '../../sdk/protocol/limits.js';
import type { Outcome } from '../../sdk/protocol/outcomes.js';
import { type OutcomeBody, outcomeBody } from '../../sdk/protocol/schemas.js';
import { type Branch, branchOf, type State, statusOf } from '../decide/state.js';
import { isTokenFor } from '../dispatch/token.js';
import { check, invalid } from './check.js';
import { bearerOf } from './keys.js';
import { readKnowing } from './knowing.js';
import { waitMsOf } from './prefer.js';
import type { Answer, Call, Rooms } from './route.js';
import { readBranch } from './submit.js';
import { applied } from './transactions.js';
import { branchView } from './views.js';
import { branchNumberOf, waitFor, xidOf } from './waiting.js';

export async function addBranch(rooms: Rooms, call: Call): Promise<Answer> {
  const { engine, clock } = rooms;
  const xid = xidOf(call);
  const waitMs = waitMsOf(call.headers.prefer);
  const spec = await readKnowing(rooms, (directory) =>
    readBranch(call.body, { ...rooms, directory, bodyBytes: call.bodyBytes }),
  );
  const { state, changed } = await engine.handle(xid, { type: 'add_branch', spec }, call);
  const hasOutcome = (newest: State): boolean => isAnswered(branchById(newest, spec.id));
  const waited = await waitFor(rooms, state, hasOutcome, waitMs ?? defaults.branchWaitMs, call);
  const status = hasOutcome(waited) ? (changed ? 201 : 200) : 202;
  const body = branchView(waited, branchById(waited, spec.id), clock.now(), statusOf(waited));
  return { status, body, headers: waitMs === undefined ? {} : applied(waitMs) };
}

function branchById(state: State, id: string): Branch {
  const branch = state.branches.find((candidate) => candidate.id === id);
  if (!branch) throw new Error(`branch ${id} of ${state.xid} is gone`);
  return branch;
}

/** Its forward op has an outcome; a message has no forward op. */
const isAnswered = ({ kind, stage }: Branch): boolean =>
  kind === 'message' ||
  !(stage.at === 'waiting' || (stage.at === 'asked' && phaseOf(kind, stage.work.op) === 'forward'));

export async function takeOutcome({ engine, store, clock }: Rooms, call: Call): Promise<Answer> {
  const xid = xidOf(call);
  const branch = branchNumberOf(call);
  const said = check(outcomeBody, call.body);
  const token = tokenOf(call);
  if (token === undefined || !isTokenFor(store.identity.tokenKey, xid, branch, said.op, token)) {
    throw new ConcordatError(
      'token_invalid',
      `expected the ${commandHeaders.token} of the command '${said.op}' of branch ${branch}, got ${token === undefined ? 'none' : 'another'}`,
    );
  }
  const input = { type: 'outcome', branch, op: said.op, attempt: 'late', outcome: outcomeOf(said) } as const;
  const { state } = await engine.handle(xid, input, call);
  const present = branchOf(state, branch);
  if (!present) throw new ConcordatError('branch_not_found', `${xid} has no branch ${branch}`);
  return { status: 200, body: branchView(state, present, clock.now(), statusOf(state)) };
}

function tokenOf({ headers }: Call): string | undefined {
  const own = headers[commandHeaders.token];
  return typeof own === 'string' ? own : bearerOf(headers.authorization);
}

function outcomeOf({ outcome, output, reason }: OutcomeBody): Outcome {
  if (outcome === 'done') {
    if (reason === undefined) return { kind: 'done', output: (output ?? null) as Json };
    throw invalid([{ pointer: '/reason', message: 'expected none with outcome "done", got one' }]);
  }
  if (output === undefined) return { kind: 'refused', reason: reason ?? 'no reason given' };
  throw invalid([{ pointer: '/output', message: 'expected none with outcome "refused", got one' }]);
}
