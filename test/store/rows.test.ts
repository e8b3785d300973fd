/** What a database gives back is read strictly: each column that is not as it was written is named. */
import test from 'ava';
import { toLease, toLog, toSummary } from '../../coordinator/store/rows.js';
import { StoreError } from '../../coordinator/store/store.js';
import { xidOf } from './sample.js';

const logRow = { seq: 1, append: 'a1', appender: 'c1', version: 1, at: 5, events: '[]' };

const summaryRow = {
  xid: 'x1',
  name: 'checkout',
  business_key: null,
  participants: '["stock"]',
  status: 'active',
  decision: null,
  reason: null,
  opened_at: 1,
  decided_at: null,
  deadline_at: null,
  finished_at: null,
  due_at: null,
  owner: 'c1',
};

const leaseRow = { id: 'c1', host: 'h', pid: 2, renewed_at: 3, lease_ms: 4 };

test('rows as they were written are read as they were meant', (t) => {
  const xid = xidOf('x1');
  t.deepEqual(toLog(xid, [logRow, { ...logRow, seq: 2 }]) as unknown, [
    { ...logRow, xid },
    { ...logRow, xid, seq: 2 },
  ]);
  t.deepEqual(toSummary(summaryRow) as unknown, {
    xid: 'x1',
    name: 'checkout',
    businessKey: null,
    participants: ['stock'],
    status: 'active',
    decision: null,
    reason: null,
    openedAt: 1,
    decidedAt: null,
    deadlineAt: null,
    finishedAt: null,
    dueAt: null,
    owner: 'c1',
  });
  const full = {
    business_key: 'k',
    decision: 'rollback',
    reason: 'r',
    decided_at: 2,
    deadline_at: 3,
    finished_at: 4,
    due_at: 5,
  };
  t.like(toSummary({ ...summaryRow, ...full }), {
    businessKey: 'k',
    decision: 'rollback',
    reason: 'r',
    decidedAt: 2,
    deadlineAt: 3,
    finishedAt: 4,
    dueAt: 5,
  });
  t.is(toSummary({ ...summaryRow, decision: 'commit' }).decision, 'commit');
  t.deepEqual(toLease(leaseRow) as unknown, { id: 'c1', host: 'h', pid: 2, renewedAt: 3, leaseMs: 4 });
});

const wrong: readonly [() => unknown, string][] = [
  [() => toLog(xidOf('x1'), [{ ...logRow, seq: 2 }]), 'row of the log of x1 seq 2: expected seq to be 1, got 2'],
  [
    () => toLog(xidOf('x1'), [{ ...logRow, seq: 'one' }]),
    'row of the log of x1 seq 1: expected seq to be an integer, got "one"',
  ],
  [
    () => toLog(xidOf('x1'), [{ ...logRow, at: 1.5 }]),
    'row of the log of x1 seq 1: expected at to be an integer, got 1.5',
  ],
  [
    () => toLog(xidOf('x1'), [{ ...logRow, append: 7 }]),
    'row of the log of x1 seq 1: expected append to be a text, got 7',
  ],
  [
    () => toLog(xidOf('x1'), [{ ...logRow, events: '{}' }]),
    'row of the log of x1 seq 1: expected events to be a JSON array, got 2 characters of something else',
  ],
  [
    () => toLog(xidOf('x1'), [{ ...logRow, events: '[' }]),
    'row of the log of x1 seq 1: expected events to be a JSON array, got 1 characters of something else',
  ],
  [() => toSummary({ ...summaryRow, status: 'gone' }), 'summary row of x1: expected status to be one of active, '],
  [
    () => toSummary({ ...summaryRow, decision: 'both' }),
    'summary row of x1: expected decision to be one of commit, rollback, got "both"',
  ],
  [
    () => toSummary({ ...summaryRow, participants: '["a", 1]' }),
    'summary row of x1: expected participants to be a JSON array of names, got "[',
  ],
  [
    () => toSummary({ ...summaryRow, participants: '{}' }),
    'summary row of x1: expected participants to be a JSON array of names',
  ],
  [
    () => toSummary({ ...summaryRow, due_at: 'soon' }),
    'summary row of x1: expected due_at to be an integer, got "soon"',
  ],
  [() => toLease({ ...leaseRow, pid: null }), 'lease of c1: expected pid to be an integer, got null'],
  [() => toLease({ id: 'c2' }), 'lease of c2: expected host to be a text, got undefined'],
];

for (const [read, expected] of wrong) {
  test(`H12 corrupt ${expected}`, (t) => {
    const error = t.throws<StoreError>(read, { instanceOf: StoreError });
    t.is(error?.kind, 'corrupt');
    t.true(error?.message.startsWith(`corrupt ${expected}`), error?.message);
  });
}

test('of a value that is long only the beginning is shown', (t) => {
  const error = t.throws(() => toSummary({ ...summaryRow, status: 'x'.repeat(100) }));
  t.true(error?.message.endsWith(`got "${'x'.repeat(59)}`), error?.message);
});

test('of what may be payload nothing is shown', (t) => {
  const error = t.throws(() => toLog(xidOf('x1'), [{ ...logRow, events: '{"card":"4111"}' }]));
  t.false(error?.message.includes('4111'));
});
