/** The simulator's histories, checked once more: the two checkers know nothing of each other's rules and must agree. */
import test from 'ava';
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { run } from '../simulation/run.js';
import { simulatedWrong } from './simulated.js';
import { wrongIn } from './teller.js';

async function both(seed: number): Promise<{ theirs: readonly string[]; ours: readonly string[] }> {
  let ours: readonly string[] = [];
  const { violations } = await run(seed, {
    onHistory: (history, circumstances) => {
      ours = simulatedWrong(history, circumstances);
    },
  });
  return { theirs: wrongIn({ violations }), ours };
}

/** Words may differ; what is broken may not. */
const invariantsOf = (found: readonly string[]): readonly string[] =>
  [...new Set(found.map((each) => each.split(' ', 1)[0] ?? ''))].sort();

const seeds = Number(process.env.HISTORY_SEEDS ?? 40);

test.serial('both checkers say the same of simulated seeds', async (t) => {
  t.timeout(240_000);
  for (let seed = 1; seed <= seeds; seed++) {
    const { theirs, ours } = await both(seed);
    t.deepEqual(invariantsOf(ours), invariantsOf(theirs), `seed ${seed}`);
  }
});

/** Each breaks rules of the log, of effects, or of what was told; each within so many seeds. */
const planted: Readonly<Partial<Record<PlantedBug, number>>> = {
  'answer-before-commit': 20,
  'timeout-is-a-no': 20,
  'no-sweep': 20,
  'forget-unknown-branches-in-rollback': 20,
  'undo-in-any-order': 60,
  'reverse-a-decision': 60,
  'refused-undo-is-done': 100,
  'no-adoption-attempt': 40,
  'new-branch-after-closing': 60,
  'fence-inserts-nothing': 20,
  'fence-answers-before-commit': 20,
};

for (const [bug, atMost] of Object.entries(planted) as [PlantedBug, number][]) {
  test.serial(`planted ${bug} is seen by both checkers in the same history`, async (t) => {
    t.timeout(240_000);
    armed.planted.add(bug);
    try {
      for (let seed = 1; seed <= atMost; seed++) {
        const { theirs, ours } = await both(seed);
        t.is(ours.length > 0, theirs.length > 0, `seed ${seed}: ${theirs.join('\n')}\nagainst\n${ours.join('\n')}`);
        if (ours.length > 0) return;
      }
      t.fail(`${atMost} seeds ran well with '${bug}'`);
    } finally {
      armed.planted.delete(bug);
    }
  });
}
