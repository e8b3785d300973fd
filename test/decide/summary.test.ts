/** What lists, deadlines and recovery are told of a state. */
import test from 'ava';
import { isWorthWriting, summarize } from '../../coordinator/decide/summary.js';
import type { Summary } from '../../sdk/protocol/summary.js';
import { coordinator, type Machine } from './machine.js';
import { add, initiated, planned } from './requests.js';

const summaryOf = (machine: Machine): Summary => summarize(machine.current, machine.me, machine.now);

test('a summary has what the transaction was opened with, and where it stands', (t) => {
  const machine = planned([{ id: 'a', kind: 'tcc' }], { businessKey: 'order-7', deadlineAt: 1_060_000 });
  t.deepEqual(summaryOf(machine), {
    name: 'checkout',
    businessKey: 'order-7',
    participants: ['shop'],
    status: 'active',
    decision: null,
    reason: null,
    openedAt: 1_000_000,
    decidedAt: null,
    deadlineAt: 1_060_000,
    finishedAt: null,
    dueAt: 1_060_000,
    owner: coordinator('a'),
  });
  machine.now += 5;
  machine.rollback('changed my mind');
  t.like(summaryOf(machine), {
    status: 'rolling_back',
    decision: 'rollback',
    reason: 'changed my mind',
    decidedAt: 1_000_005,
  });
  machine.now += 5;
  machine.refused(1);
  t.like(summaryOf(machine), { status: 'rolled_back', finishedAt: 1_000_010, dueAt: null });
});

test('each participant is named once, and an address is none', (t) => {
  const machine = initiated();
  t.deepEqual(summaryOf(machine).participants, []);
  const url = 'http://127.0.0.1/pay';
  add(machine, { id: 'a', target: { url } });
  t.deepEqual(summaryOf(machine).participants, []);
  for (const id of ['b', 'c']) add(machine, { id });
  add(machine, { id: 'd', target: { participant: 'bank', handler: 'pay' } });
  t.deepEqual(summaryOf(machine).participants, ['shop', 'bank']);
});

test('a summary is written when there was none, and when its status, due time, owner or decision is another', (t) => {
  const before = summaryOf(initiated(['a']));
  t.true(isWorthWriting(undefined, before));
  t.false(isWorthWriting(before, { ...before }));
  t.false(isWorthWriting(before, { ...before, participants: ['bank'], reason: 'why' }), 'nobody looks for these');
  const changes: readonly Partial<Summary>[] = [
    { status: 'parked' },
    { dueAt: 7 },
    { owner: coordinator('b') },
    { decision: 'commit' },
  ];
  for (const change of changes) t.true(isWorthWriting(before, { ...before, ...change }), JSON.stringify(change));
});
