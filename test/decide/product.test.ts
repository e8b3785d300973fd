import test from 'ava';
import { type Cell, legality } from '../../coordinator/decide/legality.js';
import { phases } from '../../coordinator/decide/state.js';
import { expectedOf, inputTypes, wrongIn } from './product.js';

for (const type of inputTypes) {
  test.serial(`E6 I11 ${type} gets in every phase what it must, and changes nothing unless it appends`, (t) => {
    for (const phase of phases) t.is(wrongIn(type, phase), undefined);
  });
}

test.serial('the table has a cell for every input in every phase, and names the errors that come', (t) => {
  t.deepEqual(Object.keys(legality).sort(), [...inputTypes].sort());
  for (const type of inputTypes) {
    t.deepEqual(Object.keys(legality[type]), [...phases]);
    for (const phase of phases) {
      const cell = legality[type][phase];
      if (typeof cell !== 'string') t.is(expectedOf(type, phase), cell.refuse);
      if (cell === 'stale') t.is(expectedOf(type, phase), 'stale');
    }
  }
});

test.serial('a wrong cell anywhere in the table is noticed', (t) => {
  for (const type of inputTypes) {
    const row = legality[type] as Record<string, Cell>;
    for (const phase of phases) {
      const right = row[phase]!;
      row[phase] = { refuse: 'internal' };
      const wrong = wrongIn(type, phase);
      row[phase] = right;
      t.truthy(wrong, `${type} in ${phase}`);
    }
  }
});
