/** N2: where two persons are needed, what one asks for waits for another. */
import test from 'ava';
import type { Resolution } from '../../coordinator/decide/inputs.js';
import { limits } from '../../sdk/protocol/limits.js';
import { inAWord, type Machine } from './machine.js';
import { initiated } from './requests.js';

/** Two confirms that were refused, and can take effect no more. */
function parked(): Machine {
  const machine = initiated([
    { id: 'a', kind: 'tcc' },
    { id: 'b', kind: 'tcc' },
  ]);
  machine.done(1);
  machine.done(2);
  machine.commit();
  machine.refused(1);
  machine.refused(2);
  machine.now += 1e6;
  return machine;
}

const one: Resolution = { branch: 1, as: 'done', output: { n: 1 }, reason: 'seen' };
const two: Resolution = { branch: 2, as: 'skipped', output: null, reason: 'lost' };

const resolve = (machine: Machine, by: string, branches: readonly Resolution[] = [one, two]) =>
  inAWord(machine.put({ type: 'resolve', by, branches, twoPersons: true }));

const typesAfter = (machine: Machine, before: number) =>
  machine.rows.slice(before).flatMap(({ events }) => events.map(({ type }) => type));

test('N2 what one person asks for changes nothing but is kept, and a second one who asks for the same does it', (t) => {
  const machine = parked();
  const before = machine.rows.length;
  t.is(resolve(machine, 'ann'), 'append');
  t.deepEqual(typesAfter(machine, before), ['resolution_proposed']);
  t.deepEqual(machine.stages(), ['parked', 'parked']);
  t.is(machine.status, 'parked');
  t.is(resolve(machine, 'ann'), 'same');
  // In whatever order.
  t.is(resolve(machine, 'bob', [two, one]), 'append');
  t.is(machine.status, 'resolved');
  t.is(machine.current.proposal, null);
  const resolved = machine.rows.flatMap(({ events }) => events.filter(({ type }) => type === 'branch_resolved'));
  t.like(resolved[0], { by: 'bob', proposedBy: 'ann', branch: 2 });
});

test('N2 another wish of the second person is a proposal of its own', (t) => {
  for (const other of [{ ...one, reason: 'other' }, { ...one, output: 7 }, { ...one, as: 'skipped' } as const]) {
    const machine = parked();
    resolve(machine, 'ann', [one]);
    t.is(resolve(machine, 'bob', [other]), 'append');
    t.is(machine.status, 'parked');
    t.like(machine.current.proposal, { by: 'bob', branches: [other] });
    // The first of them is no longer asked for.
    t.is(resolve(machine, 'bob', [one]), 'append');
    t.is(machine.current.proposal?.by, 'bob');
    t.is(machine.status, 'parked');
  }
});

test('N2 part of what was proposed, or more, is not the same', (t) => {
  const machine = parked();
  resolve(machine, 'ann');
  resolve(machine, 'bob', [one]);
  t.deepEqual(machine.stages(), ['parked', 'parked']);
  resolve(machine, 'ann');
  t.deepEqual(machine.stages(), ['parked', 'parked']);
});

test('N2 a proposal runs out', (t) => {
  const machine = parked();
  resolve(machine, 'ann');
  machine.now += limits.proposalMs;
  t.is(resolve(machine, 'bob'), 'append');
  t.is(machine.status, 'parked');
  t.is(machine.current.proposal?.by, 'bob');
});

test('N2 a proposal is void once its branch was tried again, even if it parked again', (t) => {
  const machine = parked();
  resolve(machine, 'ann');
  machine.retry();
  t.is(machine.current.proposal, null);
  machine.refused(1);
  machine.refused(2);
  machine.now += 1e6;
  t.is(resolve(machine, 'bob'), 'append');
  t.is(machine.status, 'parked');
});

test('N2 what cannot be resolved cannot be proposed', (t) => {
  const machine = parked();
  t.is(resolve(machine, 'ann', [{ ...one, branch: 3 }]), 'branch_not_found');
  machine.retry();
  t.is(resolve(machine, 'ann', [one]), 'branch_not_parked');
});

test('N2 the log alone says what is proposed', (t) => {
  const machine = parked();
  resolve(machine, 'ann');
  t.deepEqual(machine.replayed()?.proposal, machine.current.proposal);
  t.is(machine.current.proposal?.expiresAt, machine.now + limits.proposalMs);
});
