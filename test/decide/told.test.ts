/** What whoever asked is told, to the word: people act on it. */
import test from 'ava';
import type { Input } from '../../coordinator/decide/inputs.js';
import { commandFor } from '../../coordinator/decide/outstanding.js';
import { coordinator, Machine } from './machine.js';
import { inPhase } from './phases.js';
import { add, initiated, planned, request, spec } from './requests.js';

const ask = { onTimeout: 'ask', deadlineAt: 1_010_000 } as const;
const resolveOne = (branch: number) => ({ branch, as: 'done', output: null, reason: 'seen' }) as const;
const outcome = (
  branch: number,
  op: 'action' | 'compensate' | 'try' | 'confirm' | 'deliver',
  kind: 'done' | 'pending' = 'done',
): Input => ({
  type: 'outcome',
  branch,
  op,
  attempt: 'late',
  outcome: kind === 'done' ? { kind, output: null } : { kind, retryAfterMs: 1 },
});

/** What a machine in some state says to an input. */
const told: readonly [string, () => Machine, Input][] = [
  ['there is no transaction tx-1', () => new Machine(), { type: 'commit' }],
  [`expected a transaction that takes 'retry'; tx-1 is committed`, inPhase.committed, { type: 'retry', by: 'ann' }],
  ['the transaction is committed', inPhase.committed, { type: 'deadline' }],
  ['the transaction is absent', () => new Machine(), { type: 'deadline' }],
  [
    'transaction tx-1 was opened with another body; use a new xid for new work',
    inPhase.open,
    request({ fingerprint: 'f2' }),
  ],
  [
    'transaction tx-1 is a plan: its steps were fixed when it was opened',
    inPhase.parked_undecided,
    { type: 'add_branch', spec: spec({ id: 'b' }) },
  ],
  [
    `branch 'a' of tx-1 was added with another body; use a new id`,
    inPhase.open,
    { type: 'add_branch', spec: spec({ id: 'a', fingerprint: 'f2' }) },
  ],
  ['transaction tx-1 takes no new branches any more', inPhase.closing, { type: 'add_branch', spec: spec({ id: 'b' }) }],
  [
    'the coordinator drives plan tx-1 to its end by itself',
    () => inAsk(planned([{ id: 'a' }], ask)),
    { type: 'commit' },
  ],
  ['the coordinator drives plan tx-1 to its end by itself', inPhase.planned, { type: 'commit' }],
  [
    'the coordinator drives plan tx-1 to its end by itself',
    inPhase.planned,
    { type: 'add_branch', spec: spec({ id: 'b' }) },
  ],
  ['rollback of tx-1 is decided', inPhase.rolled_back, { type: 'commit' }],
  ['commit of tx-1 is decided', inPhase.committing, { type: 'rollback', reason: 'no' }],
  [
    'the pivot of tx-1 may have taken effect; ask again when its outcome is known',
    inPhase.parked_undecided,
    { type: 'rollback', reason: 'no' },
  ],
  ['the deadline has not come', inPhase.open, { type: 'deadline' }],
  ['the deadline has not come', () => initiated(['a']), { type: 'deadline' }],
  [
    'the pivot may have taken effect',
    () => overdue(planned([{ id: 'a', pivot: true }], { deadlineAt: 1_000_001 })),
    { type: 'deadline' },
  ],
  ['a owns it, not b', inPhase.open, { type: 'adopt', from: coordinator('b') }],
  ['tx-1 has no branch 9', inPhase.open, outcome(9, 'action')],
  ['tx-1 has no branch 9', inPhase.committed, outcome(9, 'action')],
  ['nothing is asked of the branch now', inPhase.committed, outcome(1, 'confirm', 'pending')],
  [`branch 2 of tx-1: 'action' is recorded as never asked, got done`, waitingSecond, outcome(2, 'action')],
  [`'confirm' is undone`, inPhase.rolled_back, outcome(1, 'confirm')],
  [`'deliver' is no op of kind tcc`, inPhase.rolled_back, outcome(1, 'deliver')],
  ['it is not being asked any more', inPhase.committing, { type: 'unstorable', branch: 1, op: 'try', error: 'large' }],
  ['it is not being asked any more', inPhase.committing, { type: 'unstorable', branch: 9, op: 'try', error: 'large' }],
  ['it is not being asked any more', waitingSecond, { type: 'unstorable', branch: 2, op: 'action', error: 'large' }],
  [
    'expected each branch at most once',
    inPhase.parked_commit,
    { type: 'resolve', by: 'ann', branches: [resolveOne(1), resolveOne(1)] },
  ],
  ['tx-1 has no branch 9; it has 1', inPhase.parked_commit, { type: 'resolve', by: 'ann', branches: [resolveOne(9)] }],
  [
    'branch 1 of tx-1 is under way; only a parked one can be resolved',
    inPhase.committing,
    { type: 'resolve', by: 'ann', branches: [resolveOne(1)] },
  ],
  [
    `the last 'action' of branch 1 may take effect for 1000 ms more`,
    inPhase.parked_undecided,
    { type: 'resolve', by: 'ann', branches: [resolveOne(1)] },
  ],
];

function inAsk(machine: Machine): Machine {
  machine.rollback();
  return machine;
}

function overdue(machine: Machine): Machine {
  machine.now += 5;
  return machine;
}

function waitingSecond(): Machine {
  return planned([{ id: 'a' }, { id: 'b' }]);
}

for (const [index, [expected, machine, input]] of told.entries()) {
  test(`${index} ${input.type}: ${expected}`, (t) => {
    const verdict = machine().put(input);
    const said = verdict.kind === 'refuse' ? verdict.detail : verdict.kind === 'stale' ? verdict.why : verdict.kind;
    t.is(said, expected);
  });
}

test('an answer to an attempt that a newer one has overtaken is told so', (t) => {
  const machine = initiated(['a'], ask);
  machine.unknown(1);
  machine.untilDue(1);
  const old = {
    type: 'outcome',
    branch: 1,
    op: 'action',
    attempt: 1,
    outcome: { kind: 'unknown', error: 'late' },
  } as const;
  t.deepEqual(machine.put(old), { kind: 'stale', why: 'a newer attempt is under way' });
  machine.rollback();
  machine.check('unknown');
  t.deepEqual(machine.put({ type: 'check_answer', attempt: 1, answer: 'unknown' }), {
    kind: 'stale',
    why: 'a newer attempt is under way',
  });
});

test('the log says why an attempt failed, why it parked and why it was decided', (t) => {
  const machine = initiated(['a'], ask);
  machine.me = coordinator('b');
  machine.put({ type: 'adopt', from: coordinator('a') });
  t.is(machine.branch(1).lastError, 'the coordinator stopped while the command may have been in flight');
  machine.rollback();
  machine.check('unknown');
  t.like(machine.current.check, { lastError: 'the check answered: not known yet' });
  machine.untilDue(0);
  machine.check({ error: '503' });
  t.like(machine.current.check, { lastError: '503' });
  machine.untilDue(1);
  machine.done(1);
  machine.check('commit');
  t.is(machine.current.reason, 'the check answered committed');
});

test('why a rollback was decided: a mark, at the commit or in a plan, or a branch that ended without an outcome', (t) => {
  const once = { attemptsMax: 1, initialMs: 1, maxMs: 1, factor: 1 };
  const plan = planned([{ id: 'a' }, { id: 'b' }]);
  plan.put({ type: 'rollback_only', reason: 'marked' });
  t.is(plan.current.reason, 'marked');
  const driven = initiated([{ id: 'a', retry: once }]);
  driven.unknown(1, 'timeout');
  t.is(driven.current.reason, `'a' ended without an outcome: timeout`);
  const marked = initiated(['a']);
  marked.put({ type: 'rollback_only', reason: 'marked' });
  marked.commit();
  t.is(marked.current.decision, null, 'not before what was asked has its outcome');
  marked.done(1);
  t.is(marked.current.reason, 'marked');
});

test('a check is a command of its own: its name, its input, its time', (t) => {
  const machine = initiated(['a'], { ...ask, metadata: { order: 7 } });
  machine.rollback();
  const one = machine.outstandingOf(0);
  t.is(one.expiresAt, machine.now + machine.current.policy.callMs);
  t.deepEqual(commandFor(machine.current, one, machine.now), {
    attempt: 1,
    dueAt: machine.now,
    expiresAt: one.expiresAt,
    traceId: '0'.repeat(32),
    target: { participant: 'desk', handler: 'ask' },
    body: { xid: machine.current.xid, branch: 0, id: '_check', op: 'check', input: { order: 7 } },
  });
});

test('a commit op brings the output, if there is one, and no reason, though there is one', (t) => {
  for (const [output, brought] of [
    [{ held: 1 }, { output: { held: 1 } }],
    [null, {}],
  ] as const) {
    const machine = initiated([{ id: 'a', kind: 'tcc' }], ask);
    machine.done(1, output);
    machine.rollback();
    machine.check('commit');
    const { body } = commandFor(machine.current, machine.outstandingOf(1), machine.now)!;
    t.deepEqual(body, {
      xid: machine.current.xid,
      branch: 1,
      id: 'a',
      kind: 'tcc',
      op: 'confirm',
      input: null,
      ...brought,
      forward: 'done',
    });
  }
});

test('a refusal keeps its code', (t) => {
  const machine = initiated(['a', 'b']);
  machine.answer(1, { kind: 'refused', reason: 'no', code: 'poor' });
  machine.refused(2);
  t.deepEqual([machine.branch(1).code, machine.branch(2).code], ['poor', null]);
  t.is(add(machine, 'c').kind, 'append');
});
