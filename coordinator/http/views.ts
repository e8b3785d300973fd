/** A state as the wire shows it. */
import type { Target } from '../../sdk/protocol/commands.js';
import type { Json } from '../../sdk/protocol/json.js';
import { opOf } from '../../sdk/protocol/kinds.js';
import { limits } from '../../sdk/protocol/limits.js';
import type {
  BranchStatus,
  BranchView,
  ProposalView,
  TransactionItemView,
  TransactionStatus,
  TransactionSummaryView,
  TransactionView,
  WaitingOn,
} from '../../sdk/protocol/views.js';
import { filledInput, inputOf, outstanding } from '../decide/outstanding.js';
import { type Branch, type Proposal, type State, statusOf } from '../decide/state.js';
import type { SummaryRow } from '../store/store.js';
import { heuristicOf } from './heuristic.js';

const seconds: { second: number; text: string }[] = [];
const fractions = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);

/** UTC ms as an ISO 8601 string. The last seconds are kept: what happens in one is shown many times. */
export function iso(ms: number): string {
  const second = Math.floor(ms / 1000);
  const place = second & 63;
  let known = seconds[place];
  if (known?.second !== second) {
    known = { second, text: new Date(second * 1000).toISOString().slice(0, -4) };
    seconds[place] = known;
  }
  return known.text + fractions[Math.floor(ms) - second * 1000];
}
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

/** `now` (UTC ms) tells a command that was sent from one that is due later. */
export function transactionView(state: State, now: number): TransactionView {
  const status = statusOf(state);
  return {
    xid: state.xid,
    origin: state.origin,
    name: state.name,
    businessKey: state.businessKey,
    status,
    decision: state.decision,
    reason: state.reason,
    openedAt: iso(state.openedAt),
    decidedAt: isoOrNull(state.decidedAt),
    deadlineAt: isoOrNull(state.deadlineAt),
    finishedAt: isoOrNull(state.finishedAt),
    durationMs: state.finishedAt === null ? null : state.finishedAt - state.openedAt,
    waitingOn: waitingOn(state),
    branches: branchViews(state, now, status),
    metadata: state.metadata,
    result: resultOf(state),
    ...(state.proposal !== null && now < state.proposal.expiresAt && { proposal: proposalView(state.proposal) }),
    ...(status === 'resolved' && { heuristic: heuristicOf(state) }),
  };
}

const proposalView = (proposal: Proposal): ProposalView => ({ ...proposal, expiresAt: iso(proposal.expiresAt) });

/** Inputs are shown filled in as long as they are small together, as they were given beyond that. */
function branchViews(state: State, now: number, status: TransactionStatus): readonly BranchView[] {
  let leftBytes: number = limits.filledBytes;
  return state.branches.map((branch) => {
    const { value, bytes } = filledInput(state, branch, leftBytes);
    leftBytes -= bytes;
    return branchView(state, branch, now, status, value);
  });
}

/** A transaction as the stream of all changes shows it. */
export const summaryView = (row: SummaryRow, origin: string): TransactionSummaryView => ({
  xid: row.xid,
  origin,
  name: row.name,
  businessKey: row.businessKey,
  status: row.status,
  decision: row.decision,
  reason: row.reason,
  openedAt: iso(row.openedAt),
  decidedAt: isoOrNull(row.decidedAt),
  deadlineAt: isoOrNull(row.deadlineAt),
  finishedAt: isoOrNull(row.finishedAt),
  durationMs: row.finishedAt === null ? null : row.finishedAt - row.openedAt,
});

/** The same with what only its log has; undefined where that is left out. */
export const itemView = (row: SummaryRow, origin: string, state: State | undefined): TransactionItemView => ({
  ...summaryView(row, origin),
  metadata: state ? state.metadata : null,
  result: state ? resultOf(state) : null,
  ...(state && row.status === 'resolved' && { heuristic: heuristicOf(state) }),
});

export function branchView(
  state: State,
  branch: Branch,
  now: number,
  status: TransactionStatus,
  input: Json = inputOf(state, branch),
): BranchView {
  return {
    branch: branch.number,
    id: branch.id,
    kind: branch.kind,
    participant: participantOf(branch.target),
    handler: 'handler' in branch.target ? branch.target.handler : null,
    ...('url' in branch.target && { url: branch.target.url }),
    status: branchStatus(branch, now, status),
    input,
    output: branch.output,
    code: branch.code,
    attempts: attemptsOf(branch, now),
    startedAt: isoOrNull(branch.startedAt),
    finishedAt: isoOrNull(branch.finishedAt),
    lastError: branch.lastError,
  };
}

const participantOf = (target: Target | null): string | null =>
  target && 'participant' in target ? target.participant : null;

function branchStatus({ stage, kind, forward }: Branch, now: number, status: TransactionStatus): BranchStatus {
  switch (stage.at) {
    case 'asked': {
      const { attempt, failures, dueAt } = stage.work;
      if (attempt > 1 || failures > 0) return 'retrying';
      return dueAt > now ? 'waiting' : 'running';
    }
    case 'to_undo':
      return forward === 'done' || forward === 'refused' ? forward : 'uncertain';
    case 'done':
      return status === 'committed' && opOf(kind, 'commit') === undefined ? 'committed' : 'done';
    default:
      return stage.at;
  }
}

/** Commands sent for the op that is or was last asked. */
function attemptsOf({ stage, forwardAttempts }: Branch, now: number): number {
  if (stage.at === 'parked' || stage.at === 'committed' || stage.at === 'undone') return stage.attempt;
  if (stage.at !== 'asked') return forwardAttempts;
  return stage.work.dueAt <= now ? stage.work.attempt : stage.work.attempt - 1;
}

function waitingOn(state: State): readonly WaitingOn[] {
  if (state.ended) return [];
  const found: WaitingOn[] = [];
  if (state.check?.at === 'parked') {
    const { attempt, reason } = state.check;
    found.push({
      branch: 0,
      participant: participantOf(state.checkTarget),
      op: 'check',
      attempt,
      dueAt: null,
      lastError: reason,
    });
  }
  for (const { branch: number, work } of outstanding(state)) {
    const branch = state.branches[number - 1];
    found.push({
      branch: number,
      participant: participantOf(branch ? branch.target : state.checkTarget),
      op: work.op,
      attempt: work.attempt,
      dueAt: iso(work.dueAt),
      lastError: branch ? branch.lastError : checkError(state),
    });
  }
  for (const { number, target, stage } of state.branches) {
    if (stage.at !== 'parked') continue;
    const { op, attempt, reason } = stage;
    found.push({ branch: number, participant: participantOf(target), op, attempt, dueAt: null, lastError: reason });
  }
  return found.sort((a, b) => a.branch - b.branch);
}

const checkError = ({ check }: State): string | null => (check?.at === 'asked' ? check.lastError : null);

/** Outputs by step id. */
function resultOf(state: State): TransactionView['result'] {
  const result: Record<string, Json> = {};
  for (const { id, forward, output } of state.branches) if (forward === 'done') result[id] = output;
  return result;
}
