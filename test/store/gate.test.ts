import test from 'ava';
import { counters, Gate } from '../../coordinator/store/gate.js';
import { StoreError } from '../../coordinator/store/store.js';

test('a gate is open until it is closed, and then says so each time', (t) => {
  const gate = new Gate();
  t.is(gate.shut, undefined);
  t.notThrows(() => gate.check());
  gate.close();
  const closed = gate.shut;
  gate.close();
  t.is(gate.shut, closed, 'the first word stands');
  t.like(
    t.throws(() => gate.check(), { instanceOf: StoreError }),
    { kind: 'closed', message: 'the store is closed' },
  );
});

test('H13 a store that broke is broken for good, whether it was closed before or is closed after', (t) => {
  const gate = new Gate();
  gate.close();
  const first = gate.break(new Error('fsync'));
  t.like(first, { kind: 'broken', message: 'the store can no longer be trusted, end this process: fsync' });
  t.is((first.cause as Error).message, 'fsync');
  t.is(gate.shut, first);
  t.is(gate.break('again').message, 'the store can no longer be trusted, end this process: again');
  gate.close();
  t.is(gate.shut, first);
});

test('counting begins at nothing', (t) => {
  t.deepEqual(counters(), { groups: 0, appends: 0, statements: 0, rowsWritten: 0 });
});
