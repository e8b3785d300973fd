/** Whatever comes twice, late, early, at once or in any order. */
import test from 'ava';
import fc from 'fast-check';
import type { Answer } from '../../sdk/participant/command.js';
import { Refused } from '../../sdk/protocol/answers.js';
import { type Bank, effect, effects, handlerOf, startBank, word } from './bank.js';

type Op = 'try' | 'confirm' | 'cancel';

const op = fc.constantFrom<Op>('try', 'confirm', 'cancel');
/** Waves of commands for two branches; those of a wave are sent at once. */
const waves = fc.array(fc.array(fc.record({ op, branch: fc.constantFrom(1, 2) }), { minLength: 1, maxLength: 5 }), {
  minLength: 1,
  maxLength: 6,
});

const tcc = handlerOf('tcc', {
  forward: async (input, tx) => {
    await effect(tx, 'do');
    if (input === 'refuse') throw new Refused('no');
    return tx.branch;
  },
});

/** What is wrong with the effects of a branch and what was answered about it; empty when all is right. */
function faultsOf(done: readonly string[], answers: readonly { op: Op; said: string }[]): readonly string[] {
  const faults: string[] = [];
  const said = (wanted: Op) =>
    answers.filter(({ op, said }) => op === wanted && said !== 'running').map(({ said }) => said);
  const allowed = ['', 'do', 'do confirm', 'do undo'];
  if (!allowed.includes(done.join(' '))) faults.push(`effects: ${done.join(' ')}`);
  if (said('try').includes('done') !== done.includes('do')) faults.push('what try answered is not what it did');
  if (said('confirm').includes('done') !== done.includes('confirm')) faults.push('confirm said what it did not do');
  if (said('cancel').includes('done') && done.includes('confirm')) faults.push('cancelled and confirmed');
  if (done.includes('do') && said('cancel').includes('done') && !done.includes('undo')) faults.push('not undone');
  return faults;
}

async function playOut(
  bank: Bank,
  xid: string,
  sent: readonly (readonly { op: Op; branch: number }[])[],
  input: string,
) {
  const answers: { op: Op; branch: number; said: string }[] = [];
  for (const wave of sent) {
    const said = await Promise.all(wave.map(({ op, branch }) => bank.send(op, { xid, branch, input })));
    answers.push(...wave.map((command, index) => ({ ...command, said: word(said[index] as Answer) })));
  }
  const all = await effects(bank.db);
  return [1, 2].flatMap((branch) => {
    const mine = all.filter((each) => each.endsWith(` ${xid}.${branch}`)).map((each) => each.split(' ')[0] ?? '');
    return faultsOf(
      mine,
      answers.filter((answer) => answer.branch === branch),
    );
  });
}

for (const input of ['work', 'refuse']) {
  test(`D1-D5 C1 C4 I5 I7 tries, confirms and cancels in any order (${input})`, async (t) => {
    const bank = await startBank(t, { tcc });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(waves, async (sent) => {
        t.deepEqual(await playOut(bank, `p${count++}`, sent, input), []);
      }),
      { numRuns: 60 },
    );
  });
}

test('C1 every repeat of an op that has an answer gets that answer', async (t) => {
  const bank = await startBank(t, { tcc });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 2, maxLength: 8 }), async (sent) => {
      const xid = `r${count++}`;
      const known = new Map<Op, string>();
      for (const each of sent) {
        const answer = JSON.stringify(await bank.send(each, { xid }));
        const final =
          /"done"|suppressed|contradiction/.test(answer) && !(each === 'try' && answer.includes('suppressed'));
        if (known.has(each) && !answer.includes('suppressed')) t.is(answer, known.get(each) ?? '');
        if (final) known.set(each, answer);
      }
    }),
    { numRuns: 60 },
  );
});
