/** Transactions as a coordinator would tell of them, for what explains them. */
import type { Known } from '../../coordinator/cli/explain/explanation.js';
import { type Kind, kinds, type Op } from '../../sdk/protocol/kinds.js';
import type {
  BranchStatus,
  BranchView,
  EventView,
  ParticipantView,
  TransactionStatus,
  TransactionView,
  WaitingOn,
} from '../../sdk/protocol/views.js';

export const now = Date.UTC(2030, 0, 1, 12);
export const at = (seconds: number): string => new Date(now + seconds * 1000).toISOString();

export const branchView = (change: Partial<BranchView> = {}): BranchView => ({
  branch: 1,
  id: 'pay',
  kind: 'saga',
  participant: 'payment',
  handler: 'charge',
  status: 'done',
  input: {},
  output: null,
  code: null,
  attempts: 1,
  startedAt: at(-60),
  finishedAt: null,
  lastError: null,
  ...change,
});

export const transactionView = (change: Partial<TransactionView> = {}): TransactionView => ({
  xid: 'order-1042',
  origin: 'f'.repeat(32),
  name: 'checkout',
  businessKey: null,
  status: 'active',
  decision: null,
  reason: null,
  openedAt: at(-60),
  decidedAt: null,
  deadlineAt: null,
  finishedAt: null,
  durationMs: null,
  waitingOn: [],
  branches: [branchView()],
  metadata: {},
  result: {},
  ...change,
});

export const participant = (change: Partial<ParticipantView> = {}): ParticipantView => ({
  name: 'payment',
  limits: { concurrency: 64, perSecond: null },
  paused: false,
  health: { breaker: 'closed', since: null, inFlight: 0, held: 0, failureShare: 0, lastError: null },
  handlers: [],
  resourceGroup: null,
  instances: [
    {
      id: 'p1',
      url: 'http://127.0.0.1:9001',
      batch: true,
      sdk: 'concordat 0.1.0',
      registeredAt: at(-3600),
      renewedAt: at(-5),
      expiresAt: at(10),
      alive: true,
    },
  ],
  ...change,
});

interface OpenedLike {
  readonly drivenBy?: 'plan' | 'initiator';
  readonly onTimeout?: 'rollback' | 'ask';
  readonly pivot?: boolean;
}

export const opened = ({ drivenBy = 'plan', onTimeout = 'rollback', pivot = false }: OpenedLike = {}): EventView => ({
  seq: 1,
  index: 0,
  type: 'opened',
  at: at(-60),
  drivenBy,
  onTimeout,
  policy: { parkAfterMs: 86_400_000, pendingForMs: 86_400_000, retry: { attemptsMax: 50 } },
  branches: drivenBy === 'plan' ? [{ id: 'pay', ...(pivot && { pivot: true }) }] : [],
});

export const event = (type: string, fields: Readonly<Record<string, unknown>> = {}): EventView =>
  ({ seq: 2, index: 0, type, at: at(-30), ...fields }) as EventView;

export const known = (change: Partial<Known> = {}): Known => ({
  view: transactionView(),
  events: [opened()],
  participants: [participant()],
  now,
  ...change,
});

export const waiting = (change: Partial<WaitingOn> = {}): WaitingOn => ({
  branch: 1,
  participant: 'payment',
  op: 'action',
  attempt: 1,
  dueAt: at(-2),
  lastError: null,
  ...change,
});

const decisions: Readonly<Record<TransactionStatus, TransactionView['decision']>> = {
  active: null,
  committing: 'commit',
  committed: 'commit',
  rolling_back: 'rollback',
  rolled_back: 'rollback',
  parked: null,
  resolved: 'rollback',
};

/** What is asked of a branch that something is asked of. */
const opOf = (kind: Kind, decision: TransactionView['decision']): Op =>
  (decision && kinds[kind][decision]) ?? kinds[kind].forward ?? 'deliver';

/** A transaction of that status with one branch of that status and kind, and what it then waits for. */
export function caseOf(
  status: TransactionStatus,
  stage: BranchStatus,
  kind: Kind,
  given?: 'commit' | 'rollback',
): Known {
  const decision = given ?? decisions[status];
  const asked = stage === 'running' || stage === 'retrying' || stage === 'parked';
  const op = opOf(kind, decision);
  const dueAt = stage === 'parked' ? null : stage === 'running' ? at(-2) : at(20);
  const isFinal = ['committed', 'rolled_back', 'resolved'].includes(status);
  return known({
    view: transactionView({
      status,
      decision,
      reason: decision === 'rollback' ? "'pay' was refused" : null,
      ...(status === 'resolved' && { heuristic: 'mixed' }),
      finishedAt: isFinal ? at(-1) : null,
      branches: [branchView({ status: stage, kind, lastError: stage === 'done' ? null : 'no answer' })],
      waitingOn: asked && !isFinal ? [waiting({ op, dueAt, attempt: 3, lastError: 'no answer' })] : [],
    }),
    events: [
      opened(),
      ...(stage === 'parked'
        ? [event('branch_parked', { branch: 1, op, attempt: 3, reason: 'no answer', expiresAt: at(8) })]
        : []),
    ],
  });
}
