/** Runs outside of the database that outlive their time, while another one is at work on the same branch. */
import test from 'ava';
import { Refused } from '../../sdk/protocol/answers.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import { manualClock } from '../helpers/clock.js';
import { connect, fileOf, gate, handlerOf, rows, startBank, type Teardown, word } from './bank.js';

/** The first run of an op is held until its time is over; the second, in another process, ends as `second` says. */
async function overtake(t: Teardown, op: Op, first: () => unknown, second: () => unknown) {
  const clock = manualClock();
  const [arrived, held] = [gate(), gate()];
  const work = async () => {
    arrived.open();
    await held.opened;
    return first();
  };
  const tcc = (slow: boolean) => {
    const chosen = async () => (slow ? work() : second());
    return handlerOf(
      'tcc',
      { forward: async () => 'done before', ...(op === 'try' ? { forward: chosen } : { commit: chosen }) },
      { fence: 'external', runMs: 1000 },
    );
  };
  const bank = await startBank(t, { tcc: tcc(true) }, { clock });
  const other = connect(fileOf(bank.db));
  t.teardown(() => other.destroy());
  const beside = await startBank(t, { tcc: tcc(false) }, { clock, db: other });
  if (op !== 'try') await bank.send('try');
  const slow = bank.send(op);
  await arrived.opened;
  clock.advance(1000);
  const quick = await beside.send(op).then(word, (error: Error) => error.message);
  held.open();
  return { quick, slow, bank };
}

for (const op of ['try', 'confirm'] as const) {
  test(`I5 ${op}: who comes late answers what the other run came to`, async (t) => {
    const { slow, bank } = await overtake(
      t,
      op,
      () => 'slow',
      () => 'quick',
    );
    t.deepEqual(await slow, { kind: 'done', output: 'quick' });
    t.deepEqual(await bank.send(op), { kind: 'done', output: 'quick' });
  });

  test(`${op}: nothing is known where the other run failed, and its own error is told where it has one`, async (t) => {
    const fail = (): never => {
      throw new Error('quick broke');
    };
    const late = await overtake(t, op, () => 'slow', fail);
    t.is(late.quick, 'quick broke');
    await t.throwsAsync(late.slow, { message: /ran for longer than its 1000 ms, and its branch went on without it/ });
    const broken = await overtake(
      t,
      op,
      () => Promise.reject(new Error('slow broke')),
      () => 'quick',
    );
    await t.throwsAsync(broken.slow, { message: 'slow broke' });
    t.is(word(await broken.bank.send(op)), 'done');
  });

  test(`I2 ${op}: a refusal that comes late does not take the place of what was done`, async (t) => {
    const refuse = (): never => {
      throw new Refused('too late');
    };
    const { slow, bank } = await overtake(t, op, refuse, () => 'quick');
    t.deepEqual(await slow, { kind: 'done', output: 'quick' });
    t.true((await rows(bank.db)).every((row) => (row as { outcome: string }).outcome === 'done'));
  });
}
