import test from 'ava';
import type { CallHeard, Heard } from './history.js';
import { failureOf } from './report.js';
import { run } from './run.js';
import { settingsOf } from './settings.js';

/** The first seeds for which it holds. */
function seedsWhere(holds: (settings: ReturnType<typeof settingsOf>) => boolean, count: number): readonly number[] {
  const seeds: number[] = [];
  for (let seed = 1; seeds.length < count; seed++) if (holds(settingsOf(seed))) seeds.push(seed);
  return seeds;
}

test.serial('I12 clients of the SDK hear of every kind of end, and all of it is so', async (t) => {
  t.timeout(120_000);
  const said = new Set<Heard['said']>();
  const saw = new Set<CallHeard['saw']>();
  const listen = ({ heard = [] }: { readonly heard?: readonly Heard[] }) => {
    for (const each of heard) {
      said.add(each.said);
      for (const call of each.calls) saw.add(call.saw);
    }
  };
  for (const seed of seedsWhere(({ clientShare }) => clientShare === 1, 40)) {
    const outcome = await run(seed, { onHistory: listen });
    t.deepEqual(outcome.violations, [], failureOf(outcome, {}));
  }
  t.deepEqual([...said].sort(), ['commit', 'never', 'not committed', 'nothing', 'rollback']);
  t.deepEqual([...saw].sort(), ['done', 'failed', 'rolled back', 'unknown', 'unseen']);
});

test.serial('commands go to where instances registered, in batches and signed', async (t) => {
  t.timeout(120_000);
  const faults = new Set<string>();
  for (const seed of seedsWhere(({ registers, isSigned }) => registers && isSigned, 40)) {
    const outcome = await run(seed);
    t.deepEqual(outcome.violations, [], failureOf(outcome, {}));
    for (const fault of outcome.faults.keys()) faults.add(fault);
  }
  for (const fault of ['batch answered as one document', 'command forged', 'request to an instance that is gone'])
    t.true(faults.has(fault), fault);
});

test.serial('seeds end as well on a store in a real SQLite file', async (t) => {
  t.timeout(120_000);
  for (const seed of [3, 7]) {
    const outcome = await run(seed, { store: 'sqlite' });
    t.deepEqual(outcome.violations, [], failureOf(outcome, { store: 'sqlite' }));
    t.true(outcome.transactions > 0);
  }
});
