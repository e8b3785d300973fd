/** Each protection taken out must be seen by a check of its own: one that cannot fail is no check. */
import test from 'ava';
import fc from 'fast-check';
import { nextDueAt } from '../../coordinator/decide/outstanding.js';
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { coordinator, inAWord } from './machine.js';
import { playOut } from './properties.js';
import { add, initiated, planned, request } from './requests.js';

const once = { attemptsMax: 1, initialMs: 1, maxMs: 1, factor: 1 };

/** An undo that was refused. */
function parkedUndo() {
  const machine = initiated(['a']);
  machine.done(1);
  machine.rollback();
  machine.refused(1);
  return machine;
}
const byHand = {
  type: 'resolve',
  branches: [{ branch: 1, as: 'done', output: null, reason: 'seen' }],
  by: 'ann',
} as const;

/** What a switch breaks. True: all is as it should be. */
const checks: Partial<Record<PlantedBug, () => boolean>> = {
  'forget-unknown-branches-in-rollback': () => {
    const machine = planned([{ id: 'a' }]);
    machine.unknown(1);
    machine.rollback();
    return machine.commands().includes('1.compensate.1');
  },
  'rollback-while-forward-in-flight': () => {
    const machine = planned([{ id: 'a' }]);
    machine.rollback();
    return machine.commands().every((key) => key === '1.action.1!');
  },
  'undo-in-any-order': () => {
    const machine = planned([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    machine.done(1);
    machine.done(2);
    machine.refused(3);
    return machine.commands().join() === '2.compensate.1';
  },
  'reverse-a-decision': () => {
    const machine = initiated([{ id: 'a', kind: 'tcc' }]);
    machine.done(1);
    machine.commit();
    return noThrow(() => machine.rollback()) && machine.current.decision === 'commit';
  },
  'accept-any-late-outcome': () => {
    const machine = initiated(['a']);
    machine.done(1);
    const refused = { kind: 'refused', reason: 'no' } as const;
    return noThrow(() => machine.put({ type: 'outcome', branch: 1, op: 'action', attempt: 1, outcome: refused }));
  },
  'refused-undo-is-done': () => {
    const machine = initiated(['a']);
    machine.done(1);
    machine.rollback();
    machine.refused(1);
    return machine.status === 'parked';
  },
  'parked-is-tried-again': () => {
    const machine = parkedUndo();
    machine.now += 1e9;
    return machine.commands().length === 0;
  },
  'resolved-counts-as-plain': () => {
    const machine = parkedUndo();
    machine.now += 1e6;
    return noThrow(() => machine.put(byHand)) && machine.status === 'resolved';
  },
  'one-person-is-enough': () => {
    const machine = parkedUndo();
    machine.now += 1e6;
    machine.put({ ...byHand, twoPersons: true });
    return machine.status === 'parked';
  },
  'pending-for-ever': () => {
    const machine = planned([{ id: 'a' }]);
    machine.pending(1);
    machine.now += 3000;
    machine.pending(1);
    return machine.status === 'rolling_back';
  },
  'no-adoption-attempt': () => {
    const machine = planned([{ id: 'a' }]);
    const from = machine.me;
    machine.me = coordinator('b');
    machine.put({ type: 'adopt', from });
    return machine.outstandingOf(1).work.crashes === 1;
  },
  'new-branch-after-closing': () => {
    const machine = initiated(['a']);
    machine.commit();
    return noThrow(() => add(machine, 'b')) && inAWord(add(machine, 'b')) === 'transaction_not_active';
  },
  'attempts-without-end': () => {
    const machine = planned([{ id: 'a', retry: once }]);
    machine.unknown(1);
    return machine.current.decision === 'rollback';
  },
  'deliver-before-the-commit': () => {
    const machine = planned([
      { id: 'a', pivot: true, retry: once },
      { id: 'm', kind: 'message', after: [] },
    ]);
    return noThrow(() => machine.unknown(1)) && machine.stages().join() === 'parked,waiting';
  },
  'do-in-any-order': () =>
    planned([{ id: 'a' }, { id: 'b' }])
      .commands()
      .join() === '1.action.1',
  'forget-marks': () => {
    const machine = initiated(['a']);
    machine.put({ type: 'rollback_only', reason: 'no' });
    return machine.current.rollbackOnly === 'no';
  },
  'reuse-a-command-id': () => {
    const machine = planned([{ id: 'a' }]);
    machine.unknown(1);
    return machine.commands().join() === '1.action.2';
  },
  'ignore-body-on-resubmit': () => inAWord(initiated().put(request({ fingerprint: 'f2' }))) === 'xid_conflict',
  'pivot-in-doubt-is-a-no': () => {
    const machine = planned([{ id: 'a', pivot: true, retry: once }]);
    return noThrow(() => machine.unknown(1)) && machine.phase === 'parked_undecided';
  },
  'resolve-while-in-flight': () => {
    const machine = planned([{ id: 'a', pivot: true, retry: once }]);
    machine.unknown(1);
    return noThrow(() => machine.resolve(1, 'done')) && machine.current.decision === null;
  },
  'no-deadline': () => nextDueAt(initiated([], { deadlineAt: 1_060_000 }).current) === 1_060_000,
  'decide-without-asking': () => {
    const machine = initiated([], { onTimeout: 'ask' });
    return noThrow(() => machine.rollback()) && machine.phase === 'asking';
  },
  'no-answer-is-a-no': () => {
    const machine = initiated([], { onTimeout: 'ask' });
    machine.rollback();
    return noThrow(() => machine.check('unknown')) && machine.phase === 'asking';
  },
};

/** The machine itself holds every event against what is legal, so a planted bug may also end in a throw. */
function noThrow(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

for (const [name, holds] of Object.entries(checks)) {
  test.serial(`without the protection against ${name} its check fails`, (t) => {
    t.true(holds(), 'with it');
    t.teardown(() => armed.planted.delete(name));
    armed.planted.add(name);
    t.false(holds(), 'without it');
  });
}

/** Those that the whole must see by itself, whatever is drawn. */
const seenByTheWhole: readonly PlantedBug[] = [
  'forget-unknown-branches-in-rollback',
  'rollback-while-forward-in-flight',
  'undo-in-any-order',
  'reverse-a-decision',
  'accept-any-late-outcome',
  'refused-undo-is-done',
  'new-branch-after-closing',
];

for (const name of seenByTheWhole) {
  test.serial(`the property sees ${name}`, (t) => {
    t.teardown(() => armed.planted.delete(name));
    armed.planted.add(name);
    const { failed } = fc.check(fc.property(...playOut.drawn, playOut.run), {
      numRuns: 3000,
      seed: 1,
      endOnFailure: true,
    });
    t.true(failed);
  });
}
