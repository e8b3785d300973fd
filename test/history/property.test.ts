/** Random histories of a few transactions, held against every order that they could have had. */
import test from 'ava';
import fc from 'fast-check';
import type { MicroOp } from './records.js';
import { Teller, wrongIn } from './teller.js';

const keys = ['x', 'y'] as const;

/** One thing that happens: who, where, and whether it is read, appended, or read as it was some time ago. */
const step = fc.record({
  who: fc.nat({ max: 3 }),
  key: fc.constantFrom(...keys),
  what: fc.constantFrom('read' as const, 'append' as const, 'old read' as const),
  age: fc.nat({ max: 3 }),
});
const plan = fc.record({
  steps: fc.array(step, { minLength: 2, maxLength: 10 }),
  undone: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
});
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

interface Done {
  readonly who: number;
  readonly micro: MicroOp;
}

interface Ran {
  readonly teller: Teller;
  readonly done: readonly Done[];
  readonly lists: Readonly<Record<string, number[]>>;
}

/** Lets it happen on real lists; every step is a branch of its own. */
function run({ steps, undone }: Plan, isSerial: boolean): Ran {
  const order = isSerial ? steps.toSorted((a, b) => a.who - b.who) : steps;
  const teller = new Teller();
  const lists: Record<string, number[]> = { x: [], y: [] };
  const history: Record<string, number[][]> = { x: [[]], y: [[]] };
  const done: Done[] = [];
  const branches = new Map<number, number>();
  const begin = (who: number) => {
    const count = steps.filter((each) => each.who === who).length;
    teller.open(
      `t${who}`,
      Array.from({ length: count }, () => 'saga' as const),
    );
    branches.set(who, 0);
  };
  const end = (who: number) => {
    if (undone[who]) {
      const own = new Set(done.filter((each) => each.who === who).map(({ micro }) => micro[2]));
      for (const key of keys) lists[key] = (lists[key] ?? []).filter((element) => !own.has(element));
    }
    teller.end(`t${who}`, undone[who] ? 'rollback' : 'commit');
  };
  const left = new Map<number, number>();
  for (const { who } of order) left.set(who, (left.get(who) ?? 0) + 1);
  for (const [index, { who, key, what, age }] of order.entries()) {
    if (!branches.has(who)) begin(who);
    const now = lists[key] ?? [];
    const past = isSerial || what === 'read' ? now : (history[key]?.at(-1 - age) ?? now);
    const micro: MicroOp = what === 'append' ? ['append', key, index + 1] : ['read', key, [...past]];
    if (what === 'append') now.push(index + 1);
    history[key]?.push([...now]);
    done.push({ who, micro });
    const branch = (branches.get(who) ?? 0) + 1;
    branches.set(who, branch);
    teller.done(`t${who}`, branch, micro);
    left.set(who, (left.get(who) ?? 1) - 1);
    if (left.get(who) === 0) end(who);
  }
  for (const key of keys) teller.note({ t: 'list', key, elements: lists[key] ?? [] });
  return { teller, done, lists };
}

function* ordersOf(items: readonly number[]): Generator<readonly number[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries())
    for (const rest of ordersOf(items.toSpliced(index, 1))) yield [item, ...rest];
}

/** Whether some order of the committed transactions, one after the other, would have shown what was seen. */
function isSerializable({ done, lists }: Ran, undone: readonly boolean[]): boolean {
  const committed = [...new Set(done.map(({ who }) => who))].filter((who) => !undone[who]);
  for (const order of ordersOf(committed)) {
    const now: Record<string, number[]> = { x: [], y: [] };
    const fits = order.every((who) =>
      done.every(({ who: doer, micro }) => {
        if (doer !== who) return true;
        const [what, key, value] = micro;
        if (what !== 'read') return now[key]?.push(value);
        return String(value) === String(now[key]);
      }),
    );
    if (fits && keys.every((key) => String(now[key]) === String(lists[key]))) return true;
  }
  return false;
}

const runs = { numRuns: Number(process.env.HISTORY_RUNS ?? 500) };

test('one after the other: no anomaly, ever', (t) => {
  fc.assert(
    fc.property(plan, (drawn) => {
      const { anomalies, violations } = run(drawn, true).teller.verdict();
      return anomalies.length === 0 && violations.length === 0;
    }),
    runs,
  );
  t.pass();
});

test('all at once: an anomaly is found exactly where no order explains what was seen', (t) => {
  const seen = { serializable: 0, other: 0 };
  fc.assert(
    fc.property(plan, (drawn) => {
      const ran = run(drawn, false);
      const { anomalies, violations } = ran.teller.verdict();
      // What one that is undone overlooked of its own is wrong, and changes nobody's order.
      const ofCommitted = violations.filter(({ xid }) => !drawn.undone[Number(xid?.slice(1))]);
      const isFree =
        ofCommitted.length === 0 && anomalies.filter(({ anomaly }) => anomaly !== 'dirty read').length === 0;
      const expected = isSerializable(ran, drawn.undone);
      seen[expected ? 'serializable' : 'other']++;
      if (isFree !== expected)
        throw new Error(
          `serializable: ${expected}; found ${JSON.stringify([anomalies.map(({ anomaly }) => anomaly), wrongIn({ violations })])}`,
        );
    }),
    runs,
  );
  t.log(seen);
  t.true(seen.serializable > 50 && seen.other > 50, 'both were drawn');
});
