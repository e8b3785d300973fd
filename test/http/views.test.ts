import test from 'ava';
import type { Event } from '../../coordinator/decide/events.js';
import { foldRow } from '../../coordinator/decide/fold.js';
import type { State } from '../../coordinator/decide/state.js';
import { transactionView } from '../../coordinator/http/views.js';
import type { AppendId, CoordinatorId, Xid } from '../../sdk/protocol/ids.js';
import type { Kind } from '../../sdk/protocol/kinds.js';
import { defaults } from '../../sdk/protocol/limits.js';
import type { BranchView } from '../../sdk/protocol/views.js';

const opened = (kinds: readonly Kind[], more: object = {}): Event => ({
  type: 'opened',
  name: 'checkout',
  origin: 'o1',
  businessKey: 'order-1',
  metadata: { shop: 7 },
  fingerprint: 'f',
  drivenBy: 'plan',
  deadlineAt: null,
  onTimeout: 'rollback',
  check: null,
  traceId: 'a'.repeat(32),
  policy: {
    retry: defaults.retry,
    callMs: 10_000,
    backoff: defaults.backoff,
    parkAfterMs: 1,
    pendingForMs: 1,
    crashesMax: 10,
  },
  branches: kinds.map((kind, index) => ({
    id: `s${index + 1}`,
    kind,
    target: index === 0 ? { url: 'http://127.0.0.1:9/x' } : { participant: 'stock', handler: 'take' },
    input: null,
    after: index === 0 ? [] : [index],
  })),
  ...more,
});

/** The state after rows of events, one row a list; row n is of time n · 1000. */
function folded(...rows: readonly (readonly Event[])[]): State {
  let state: State | undefined;
  for (const [index, events] of rows.entries()) {
    state = foldRow(state, {
      xid: 'x1' as Xid,
      seq: index + 1,
      append: `a${index}` as AppendId,
      appender: 'c1' as CoordinatorId,
      at: (index + 1) * 1000,
      events,
    });
  }
  if (!state) throw new Error('expected at least one row');
  return state;
}

const statuses = (state: State, now = state.at): readonly BranchView['status'][] =>
  transactionView(state, now).branches.map(({ status }) => status);

const done = (branch: number, output: number | null = null): Event => ({
  type: 'branch_done',
  branch,
  attempt: 1,
  output,
});
const failed = (branch: number, dueAt: number): Event => ({
  type: 'attempt_failed',
  branch,
  op: 'action',
  attempt: 1,
  error: 'timeout',
  dueAt,
});
const commit: Event = { type: 'decided', decision: 'commit', reason: null };
const rollback: Event = { type: 'decided', decision: 'rollback', reason: 'no' };

test('a transaction is shown with everything that the wire names', (t) => {
  const view = transactionView(folded([opened(['saga', 'saga'])], [done(1, 5)]), 2000);
  t.deepEqual(view, {
    xid: 'x1',
    origin: 'o1',
    name: 'checkout',
    businessKey: 'order-1',
    status: 'active',
    decision: null,
    reason: null,
    openedAt: '1970-01-01T00:00:01.000Z',
    decidedAt: null,
    deadlineAt: null,
    finishedAt: null,
    durationMs: null,
    waitingOn: [
      { branch: 2, participant: 'stock', op: 'action', attempt: 1, dueAt: '1970-01-01T00:00:02.000Z', lastError: null },
    ],
    branches: [
      {
        branch: 1,
        id: 's1',
        kind: 'saga',
        participant: null,
        handler: null,
        url: 'http://127.0.0.1:9/x',
        status: 'done',
        input: null,
        output: 5,
        attempts: 1,
        startedAt: '1970-01-01T00:00:01.000Z',
        finishedAt: null,
        lastError: null,
        code: null,
      },
      {
        branch: 2,
        id: 's2',
        kind: 'saga',
        participant: 'stock',
        handler: 'take',
        status: 'running',
        input: null,
        output: null,
        attempts: 1,
        startedAt: '1970-01-01T00:00:02.000Z',
        finishedAt: null,
        lastError: null,
        code: null,
      },
    ],
    metadata: { shop: 7 },
    result: { s1: 5 },
  });
});

test('a branch waits, runs, is retried and is done', (t) => {
  const begun = [opened(['saga', 'saga'])];
  t.deepEqual(statuses(folded(begun)), ['running', 'waiting']);
  const later = folded(begun, [failed(1, 9_000)]);
  t.deepEqual(statuses(later), ['retrying', 'waiting']);
  t.is(transactionView(later, 2000).branches[0]?.attempts, 1);
  t.is(transactionView(later, 9000).branches[0]?.attempts, 2);
  t.is(transactionView(later, 2000).waitingOn[0]?.lastError, 'timeout');
});

test('a committed transaction has committed branches, whether they have a commit op or not', (t) => {
  const deciding = folded([opened(['saga', 'tcc'])], [done(1)], [done(2), commit]);
  t.deepEqual(statuses(deciding), ['committed', 'running']);
  const ended = folded(
    [opened(['saga', 'tcc'])],
    [done(1)],
    [done(2), commit],
    [
      { type: 'branch_committed', branch: 2, attempt: 1 },
      { type: 'ended', status: 'committed' },
    ],
  );
  t.deepEqual(statuses(ended), ['committed', 'committed']);
  t.is(transactionView(ended, 9000).durationMs, 3000);
  t.deepEqual(transactionView(ended, 9000).waitingOn, []);
});

test('a branch that must be undone shows how its forward op ended until its turn has come', (t) => {
  const refused: Event = { type: 'branch_refused', branch: 3, attempt: 1, reason: 'no', code: null };
  const state = folded([opened(['saga', 'saga', 'saga'])], [done(1)], [done(2)], [refused, rollback]);
  t.deepEqual(statuses(state), ['done', 'running', 'refused']);
  t.is(transactionView(state, 9000).waitingOn[0]?.op, 'compensate');
  const uncertain: Event = { type: 'branch_uncertain', branch: 2, attempt: 1, error: 'timeout' };
  const unsure = folded([opened(['saga', 'saga', 'saga'])], [done(1)], [uncertain, rollback]);
  t.deepEqual(statuses(unsure), ['done', 'running', 'skipped']);
});

test('a parked branch is waited for without a due time', (t) => {
  const parked: Event = { type: 'branch_parked', branch: 1, op: 'confirm', attempt: 3, reason: 'gone', expiresAt: 0 };
  const view = transactionView(folded([opened(['tcc'])], [done(1), commit], [parked, { type: 'parked' }]), 9000);
  t.like(view, { status: 'parked', decision: 'commit' });
  t.like(view.branches[0], { status: 'parked', attempts: 3, lastError: 'gone' });
  t.deepEqual(view.waitingOn, [
    { branch: 1, participant: null, op: 'confirm', attempt: 3, dueAt: null, lastError: 'gone' },
  ]);
});

test('the check of the initiator is waited for as branch 0', (t) => {
  const ask = { onTimeout: 'ask', drivenBy: 'initiator', check: { participant: 'shop', handler: 'check' } };
  const state = folded([opened([], ask)], [{ type: 'rollback_wanted', reason: 'the deadline passed' }]);
  t.like(transactionView(state, 9000).waitingOn, [{ branch: 0, participant: 'shop', op: 'check', attempt: 1 }]);
});
