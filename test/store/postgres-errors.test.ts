import test from 'ava';
import { Away, isConflict, isOver, verdictOf } from '../../coordinator/store/postgres/errors.js';

const fromServer = (code: string): Error => Object.assign(new Error(code), { code, severity: 'ERROR' });
const fromSystem = (code: string): Error => Object.assign(new Error(code), { code });

test('H1 H4 what an error of the server means is told by its SQLSTATE', (t) => {
  const expected = {
    again: ['40001', '40P01', '55P03', '57P01', '57P02', '08006'],
    outage: ['53100', '53300', '57014', '57P03', '25006', '42P01', '58030', 'XX000'],
    refused: ['22021', '22P05', '23514', '54000', '0A000'],
  } as const;
  for (const [verdict, states] of Object.entries(expected))
    for (const state of states) t.is(verdictOf(fromServer(state)), verdict as never, state);
  t.true(['40001', '40P01'].map(fromServer).every(isConflict));
  t.false(isConflict(fromServer('55P03')));
});

test('H1 an error that is not of the server is an answer that got lost, and the connection is given up', (t) => {
  // The second looks like a SQLSTATE.
  for (const error of [fromSystem('ECONNRESET'), fromSystem('EPIPE'), new Error('Query read timeout'), undefined]) {
    t.is(verdictOf(error), 'again');
    t.true(isOver(error));
  }
  t.true(['08006', '57P01', '57P03', '25006'].map(fromServer).every(isOver));
  t.false(['40001', '22021', '57014'].map(fromServer).some(isOver));
  t.is(verdictOf(new Away('nobody there')), 'outage');
});
