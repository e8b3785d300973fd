import test from 'ava';
import fc from 'fast-check';
import { playOut } from './properties.js';

/** Set by hand to look for longer. */
const numRuns = Number(process.env.CONCORDAT_TEST_RUNS ?? 2500);

test('I1 I2 I4 I6 I7 I8 I10 I11 any transaction, whatever happens to it, ends whole when the faults stop', (t) => {
  t.timeout(600_000);
  fc.assert(fc.property(...playOut.drawn, playOut.run), { numRuns, includeErrorInReport: true });
  t.pass();
});
