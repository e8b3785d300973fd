/** A1-A13: a coordinator stops at each of its calls to the outside, another goes on. */
import test from 'ava';
import { type Step, spec } from '../decide/requests.js';
import { type Client, everywhere, stoppedAt } from './boundaries.js';
import { wrongWith } from './invariants.js';
import type { Task } from './participant.js';
import { initiated, plan } from './plans.js';
import { sqliteCluster } from './sqlite.js';

type Kinds = readonly ('saga' | 'tcc' | 'message')[];

const steps = (kinds: Kinds, last: Task): Step[] =>
  kinds.map((kind, index) => ({ id: `s${index + 1}`, kind, input: index === kinds.length - 1 ? { ...last } : {} }));

/** Submits a plan. */
const submit =
  (kinds: Kinds, last: Task): Client =>
  ({ engine }, xid) =>
    engine.handle(xid, plan(steps(kinds, last)));

/** Adds branch after branch, each when the one before has an outcome, and commits. */
const drive =
  (kinds: Kinds, last: Task): Client =>
  async ({ engine }, xid) => {
    await engine.handle(xid, initiated());
    for (const [index, { after: _, ...step }] of steps(kinds, last).entries()) {
      await engine.handle(xid, { type: 'add_branch', spec: spec(step) });
      await engine.until(xid, ({ branches }) => branches[index]?.stage.at !== 'asked', 20_000);
    }
    await engine.handle(xid, { type: 'commit' });
  };

const ends: readonly (readonly [string, Task, string])[] = [
  ['is committed', {}, 'committed'],
  ['with a refusal is rolled back', { forward: 'refused' }, 'rolled_back'],
  ['with an outcome that never comes is rolled back', { forward: 'loses the answer' }, 'rolled_back'],
];

for (const kinds of [
  ['saga', 'saga', 'saga'],
  ['tcc', 'tcc'],
  ['saga', 'tcc'],
] as const) {
  for (const [what, last, status] of ends) {
    test(`A1-A12 I1 a plan of ${kinds.join(', ')} ${what} wherever its coordinator stops`, (t) =>
      everywhere(t, submit(kinds, last), status));
  }
}

test('A1-A12 I1 a plan with a message is committed wherever its coordinator stops', (t) =>
  everywhere(t, submit(['tcc', 'message'], {}), 'committed'));

test('A1-A12 I12 what an initiator drives is committed wherever its coordinator stops', (t) =>
  everywhere(t, drive(['saga', 'tcc'], {}), 'committed'));

test('A1-A12 I12 what an initiator drives is committed without the branch that was refused, wherever its coordinator stops', (t) =>
  everywhere(t, drive(['saga', 'tcc'], { forward: 'refused' }), 'committed'));

test('A1-A12 I12 what an initiator drives is rolled back when an outcome never comes, wherever its coordinator stops', (t) =>
  everywhere(t, drive(['saga', 'tcc'], { forward: 'loses the answer' }), 'rolled_back'));

test('A1-A12 I1 the same on a SQLite file', (t) =>
  everywhere(t, submit(['saga', 'tcc'], { forward: 'refused' }), 'rolled_back', (seed) => sqliteCluster(t, seed)));

test('A13 I1 two coordinators stop one after the other at any pair of seams', async (t) => {
  const two = submit(['saga', 'saga'], { forward: 'refused' });
  const first = (await stoppedAt(two, 0)).reached[0] ?? 0;
  let runs = 0;
  for (let k = 1; k <= first; k++) {
    for (let j = 1; ; j++) {
      const { cluster, xid, reached } = await stoppedAt(two, k, j);
      runs++;
      t.deepEqual(await wrongWith(cluster, [xid]), [], `stopped at ${k}, then at ${j}`);
      if ((reached[1] ?? 0) < j) break;
    }
  }
  t.true(runs > 100);
});
