/** Every pair of an op and what it may find. */
import test from 'ava';
import { type FencedOp, judge } from '../../sdk/participant/fence-rules.js';
import type { ForwardFact } from '../../sdk/protocol/commands.js';
import type { Phase } from '../../sdk/protocol/kinds.js';
import type { FenceOutcome, FenceRow } from '../../sdk/resources/fence/table.js';
import { word } from './bank.js';

const now = 10_000;
const ops = { forward: 'try', commit: 'confirm', rollback: 'cancel' } as const;

const row = (op: string, outcome: FenceOutcome, age = 0): FenceRow => ({
  op: op as FenceRow['op'],
  outcome,
  result: outcome === 'refused' ? { reason: 'stored' } : outcome === 'done' ? 'stored' : null,
  at: now - age,
});

const refusedAt = (op: string, attempt: number): FenceRow => ({
  ...row(op, 'refused'),
  result: { reason: 'stored', attempt },
});

const over: FenceRow = { ...row('try', 'started'), result: { over: true } };

const firsts: Readonly<Record<string, FenceRow | undefined>> = {
  nothing: undefined,
  done: row('try', 'done'),
  refused: row('try', 'refused'),
  empty: row('cancel', 'empty'),
  pending: row('try', 'pending'),
  running: row('try', 'started', 999),
  failed: over,
  overdue: row('try', 'started', 1000),
};

const seconds: Readonly<Record<string, FenceRow | undefined>> = {
  nothing: undefined,
  confirmed: row('confirm', 'done'),
  cancelled: row('cancel', 'done'),
  confirmRefused: refusedAt('confirm', 2),
  cancelRefused: refusedAt('cancel', 2),
  confirmRefusedBefore: refusedAt('confirm', 1),
  cancelRefusedBefore: refusedAt('cancel', 1),
};

function saidTo(phase: Phase, first: string, second: string, forward?: ForwardFact): string {
  const op: FencedOp = {
    op: ops[phase],
    phase,
    attempt: 2,
    hasForward: true,
    forward,
    output: 'told',
    external: true,
    runMs: 1000,
  };
  const verdict = judge(op, { first: firsts[first], second: seconds[second] }, now);
  if (verdict.kind === 'work') return `work ${verdict.output ?? '-'}`;
  const kept = verdict.release ? '' : ' kept';
  const output = verdict.answer.kind === 'done' ? ` ${verdict.answer.output}` : '';
  return `${word(verdict.answer)}${output}${kept}`;
}

/**
 * By the first row, where there is no second: forward, commit, rollback; the last two when the forward op is known as done;
 * and rollback when it is known as refused.
 */
const alone: Readonly<Record<string, readonly string[]>> = {
  nothing: [
    'work -',
    'refused forward_missing',
    'done null kept',
    'refused forward_missing',
    'refused forward_missing',
    'done null kept',
  ],
  done: ['done stored', 'work stored', 'work stored', 'work stored', 'work stored', 'work stored'],
  refused: [
    'refused stored',
    'refused forward_missing',
    'done null kept',
    'refused forward_missing',
    'refused forward_missing',
    'done null kept',
  ],
  empty: [
    'refused suppressed',
    'refused forward_missing',
    'done null kept',
    'refused forward_missing',
    'refused forward_missing',
    'done null kept',
  ],
  pending: ['work -', 'refused forward_missing', 'work told', 'work told', 'work told', 'done null kept'],
  running: ['running', 'running', 'running', 'work told', 'running', 'running'],
  failed: ['work -', 'running', 'running', 'work told', 'running', 'running'],
  overdue: ['work -', 'refused forward_missing', 'work told', 'work told', 'work told', 'done null kept'],
};

for (const [first, expected] of Object.entries(alone)) {
  test(`I7 what a command is told that finds ${first}`, (t) => {
    t.deepEqual(
      [
        saidTo('forward', first, 'nothing'),
        saidTo('commit', first, 'nothing', 'unknown'),
        saidTo('rollback', first, 'nothing', 'unknown'),
        saidTo('commit', first, 'nothing', 'done'),
        saidTo('rollback', first, 'nothing', 'done'),
        saidTo('rollback', first, 'nothing', 'refused'),
      ],
      expected,
    );
  });
}

for (const first of Object.keys(firsts)) {
  test(`D2 D5 after the end of a branch that holds ${first}`, (t) => {
    for (const second of ['confirmed', 'cancelled']) t.is(saidTo('forward', first, second), 'refused suppressed');
    t.is(saidTo('commit', first, 'confirmed'), 'done stored');
    t.is(saidTo('rollback', first, 'cancelled'), 'done stored');
    t.is(saidTo('commit', first, 'cancelled'), 'refused contradiction');
    t.is(saidTo('rollback', first, 'confirmed', 'done'), 'refused contradiction');
  });
}

test('I6 after a refused end its copies are refused, a later attempt is worked, and the branch has no other end', (t) => {
  for (const second of ['confirmRefused', 'cancelRefused', 'confirmRefusedBefore', 'cancelRefusedBefore'])
    t.is(saidTo('forward', 'done', second), 'refused suppressed');
  t.is(saidTo('commit', 'done', 'confirmRefused'), 'refused stored');
  t.is(saidTo('rollback', 'done', 'cancelRefused'), 'refused stored');
  t.is(saidTo('commit', 'done', 'confirmRefusedBefore'), 'work stored');
  t.is(saidTo('rollback', 'done', 'cancelRefusedBefore'), 'work stored');
  t.is(saidTo('commit', 'done', 'cancelRefused'), 'refused contradiction');
  t.is(saidTo('rollback', 'done', 'confirmRefused'), 'refused contradiction');
});
