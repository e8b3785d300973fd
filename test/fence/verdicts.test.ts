/** What the rules put, answer and leave behind, to the last field. */
import test from 'ava';
import { type FencedOp, fromRefusal, judge, rowOf, rowsFor, running } from '../../sdk/participant/fence-rules.js';
import type { FenceRow, Found } from '../../sdk/resources/fence/table.js';

const now = 10_000;

const op = (change: Partial<FencedOp> = {}): FencedOp => ({
  op: 'try',
  phase: 'forward',
  attempt: undefined,
  hasForward: true,
  forward: undefined,
  output: undefined,
  external: false,
  runMs: 1000,
  ...change,
});
const confirm = (change: Partial<FencedOp> = {}) => op({ op: 'confirm', phase: 'commit', ...change });
const cancel = (change: Partial<FencedOp> = {}) => op({ op: 'cancel', phase: 'rollback', ...change });

const row = (change: Partial<FenceRow>): FenceRow => ({ op: 'try', outcome: 'done', result: null, at: now, ...change });
const found = (first?: FenceRow, second?: FenceRow): Found => ({ first, second });

const refused = (code: string, reason: string) => ({
  kind: 'answer',
  answer: { kind: 'refused', code, reason },
  release: true,
  set: [],
});
const waits = (retryAfterMs: number) => ({
  kind: 'answer',
  answer: { kind: 'pending', retryAfterMs, running: true },
  release: true,
  set: [],
});
const nothing = { kind: 'answer', answer: { kind: 'done', output: null }, release: false };
const empty = { phase: 2, outcome: 'empty', result: null, at: now };

test('which rows an op puts, in the order in which they are locked', (t) => {
  t.deepEqual(rowsFor(op()), [{ phase: 1, op: 'try', outcome: 'done', unlessSettled: true }]);
  t.deepEqual(rowsFor(op({ external: true })), [{ phase: 1, op: 'try', outcome: 'started', unlessSettled: true }]);
  t.deepEqual(rowsFor(confirm()), [{ phase: 2, op: 'confirm', outcome: 'done' }]);
  t.deepEqual(rowsFor(cancel({ external: true })), [
    { phase: 1, op: 'cancel', outcome: 'empty' },
    { phase: 2, op: 'cancel', outcome: 'started' },
  ]);
  t.deepEqual([op(), confirm(), cancel()].map(rowOf), [1, 2, 2]);
});

test('a forward op works where nothing is, and changes nothing else', (t) => {
  t.deepEqual(judge(op(), found(), now), { kind: 'work', output: undefined, set: [] });
});

test('what has its answer gives it again and leaves what is there', (t) => {
  const done = { kind: 'answer', answer: { kind: 'done', output: 7 }, release: true, set: [] };
  t.deepEqual(judge(op(), found(row({ result: 7 })), now), done);
  t.deepEqual(judge(confirm(), found(row({}), row({ op: 'confirm', result: 7 })), now), done);
  t.deepEqual(
    judge(op(), found(row({ outcome: 'refused', result: { reason: 'no', code: 'poor' } })), now),
    refused('poor', 'no'),
  );
  const again = judge(cancel(), found(row({ outcome: 'empty' }), row({ op: 'cancel', outcome: 'empty' })), now);
  t.deepEqual(again, { ...done, answer: { kind: 'done', output: null } });
});

test('a run that asked for time, failed or was over is begun again, and its row says since when', (t) => {
  const begun = (phase: 1 | 2) => [{ phase, outcome: 'started', result: null, at: now }];
  const rows = [
    row({ outcome: 'pending' }),
    row({ outcome: 'started', result: { over: true } }),
    row({ outcome: 'started', at: now - 1000 }),
  ];
  for (const first of rows)
    t.deepEqual(judge(op({ external: true }), found(first), now), { kind: 'work', output: undefined, set: begun(1) });
  for (const second of rows.map((each) => ({ ...each, op: 'confirm' as const }))) {
    const kept = judge(confirm({ external: true, output: 'told' }), found(row({ result: 'kept' }), second), now);
    t.deepEqual(kept, { kind: 'work', output: 'kept', set: begun(2) });
    const told = judge(confirm({ external: true, output: 'told' }), found(row({ outcome: 'pending' }), second), now);
    t.deepEqual(told, { kind: 'work', output: 'told', set: begun(2) });
  }
});

test('whoever waits for a run is told to come back when it is over, or in a second', (t) => {
  const after = (runMs: number, age: number) =>
    judge(op({ runMs }), found(row({ outcome: 'started', at: now - age })), now);
  t.deepEqual(after(5000, 0), waits(1000));
  t.deepEqual(after(5000, 4700), waits(300));
  t.deepEqual(after(5000, 4999.5), waits(1));
  t.deepEqual(running(5), { kind: 'pending', retryAfterMs: 5, running: true });
});

test('a commit op that knows better settles the forward row as it was begun', (t) => {
  for (const outcome of ['pending', 'started'] as const) {
    const settled = judge(confirm({ forward: 'done', output: 'told' }), found(row({ outcome, at: now - 5 })), now);
    t.deepEqual(settled, {
      kind: 'work',
      output: 'told',
      set: [{ phase: 1, outcome: 'done', result: 'told', at: now - 5 }],
    });
  }
  t.deepEqual(judge(confirm({ hasForward: false, output: 'told' }), found(), now), {
    kind: 'work',
    output: undefined,
    set: [],
  });
});

test('an undo with nothing to undo is kept, with what is known of the forward op', (t) => {
  t.deepEqual(judge(cancel(), found(), now), { ...nothing, set: [empty] });
  const late = { phase: 1, outcome: 'refused', result: { reason: 'refused by a late outcome' }, at: now - 1000 };
  for (const outcome of ['pending', 'started'] as const) {
    const verdict = judge(cancel({ forward: 'refused' }), found(row({ outcome, at: now - 1000 })), now);
    t.deepEqual(verdict, { ...nothing, set: [late, empty] });
  }
});

test('an undo of what may have been done works with what the command says of it', (t) => {
  for (const outcome of ['pending', 'started'] as const) {
    const verdict = judge(cancel({ output: 'told' }), found(row({ outcome, at: now - 1000 })), now);
    t.deepEqual(verdict, { kind: 'work', output: 'told', set: [] });
  }
});

test('a command that comes too late, against another or out of nowhere is told why', (t) => {
  const suppressed = refused('suppressed', `'try' came after the end of its branch: it is not carried out any more`);
  t.deepEqual(judge(op(), found(row({ op: 'cancel', outcome: 'empty' })), now), suppressed);
  t.deepEqual(judge(op(), found(undefined, row({ op: 'confirm' })), now), suppressed);
  t.deepEqual(
    judge(cancel(), found(row({}), row({ op: 'confirm' })), now),
    refused('contradiction', `'cancel' was asked after 'confirm': one branch cannot have both`),
  );
  const missing = refused(
    'forward_missing',
    `'confirm' was asked, but the forward op that it belongs to is not known here: was this database restored from a back-up?`,
  );
  t.deepEqual(judge(confirm(), found(), now), missing);
  t.deepEqual(judge(confirm({ forward: 'done' }), found(), now), missing);
});

test('a refusal is stored with its code, if it has one', (t) => {
  t.deepEqual(fromRefusal({ reason: 'no', code: 'poor' }), { reason: 'no', code: 'poor' });
  t.deepEqual(fromRefusal({ reason: 'no' }), { reason: 'no' });
});
