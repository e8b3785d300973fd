import test from 'ava';
import { isLost } from '../../sdk/resources/fence/postgres/errors.js';

test('B2 what the server says itself is known, and everything else leaves it open what was done', (t) => {
  for (const code of ['40001', '23505', 'XX000', 'P0001']) t.false(isLost({ severity: 'ERROR', code }), code);
  for (const code of ['57P01', '57P03', '08006']) t.true(isLost({ severity: 'FATAL', code }), code);
  // Codes of the system may look like the server's.
  for (const code of ['EPIPE', 'ECONNRESET', 'ETIMEDOUT', undefined]) t.true(isLost({ code }), code);
  t.true(isLost(new Error('Connection terminated unexpectedly')));
});
