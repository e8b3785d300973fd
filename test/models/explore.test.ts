import test from 'ava';
import { explore, type Model, report } from './explore.js';

/** Two jugs of three and five litres: known to need six steps to measure four. */
interface Jugs {
  readonly three: number;
  readonly five: number;
}

const jugs: Model<Jugs> = {
  name: 'jugs',
  initial: { three: 0, five: 0 },
  next({ three, five }) {
    const toFive = Math.min(three, 5 - five);
    const toThree = Math.min(five, 3 - three);
    return [
      { label: 'fill three', take: () => ({ three: 3, five }) },
      { label: 'fill five', take: () => ({ three, five: 5 }) },
      { label: 'empty three', take: () => ({ three: 0, five }) },
      { label: 'empty five', take: async () => ({ three, five: 0 }) },
      { label: 'three into five', take: () => ({ three: three - toFive, five: five + toFive }) },
      { label: 'five into three', take: () => ({ three: three + toThree, five: five - toThree }) },
    ];
  },
  keyOf: ({ three, five }) => `${three} ${five}`,
  wrongIn: () => undefined,
  isFinal: ({ three, five }) => three + five === 0,
};

/** States that are numbers, with the steps out of each. */
const graph = (edges: Readonly<Record<number, readonly number[]>>, finals: readonly number[]): Model<number> => ({
  name: 'graph',
  initial: 0,
  next: (state) => (edges[state] ?? []).map((to) => ({ label: `to ${to}`, isFault: to > 8, take: () => to })),
  keyOf: String,
  wrongIn: () => undefined,
  isFinal: (state) => finals.includes(state),
  mustEnd: true,
});

test('every state is looked at, each once', async (t) => {
  t.deepEqual(await explore(jugs), { states: 16, transitions: 96, depth: 7, finals: 1, counterexample: undefined });
});

test('a wrong state is told with a shortest way to it', async (t) => {
  const model = { ...jugs, wrongIn: ({ five }: Jugs) => (five === 4 ? 'four litres' : undefined) };
  const explored = await explore(model);
  t.is(explored.counterexample?.what, 'four litres');
  t.deepEqual(explored.counterexample?.steps, [
    'fill five',
    'five into three',
    'empty three',
    'five into three',
    'fill five',
    'five into three',
  ]);
  t.regex(report(model, explored), /wrong: four litres\n {2}1\. fill five\n/);
});

test('a step that throws is the last of its story', async (t) => {
  const model: Model<number> = {
    ...graph({ 0: [1] }, [0]),
    next: (state) => [
      {
        label: `up from ${state}`,
        take() {
          if (state === 2) throw new Error('too high');
          return state + 1;
        },
      },
    ],
  };
  t.deepEqual((await explore(model)).counterexample, {
    what: 'too high',
    steps: ['up from 0', 'up from 1', 'up from 2'],
  });
});

test('a state that nothing leads out of is wrong unless it is final', async (t) => {
  t.is((await explore(graph({ 0: [1, 2], 1: [0] }, [2]))).counterexample, undefined);
  const stuck = (await explore(graph({ 0: [1, 2], 1: [1] }, [2]))).counterexample;
  t.deepEqual([stuck?.what.split(':')[0], stuck?.steps], ['stuck', ['to 1']]);
});

test('a circle that only a fault leads out of is endless', async (t) => {
  t.is((await explore(graph({ 0: [1, 2], 1: [3], 3: [1, 2] }, [2]))).counterexample, undefined);
  const endless = (await explore(graph({ 0: [1, 2], 1: [3], 3: [1, 9] }, [2, 9]))).counterexample;
  t.deepEqual([endless?.what.split(':')[0], endless?.steps], ['endless', ['to 1']]);
});

test('a space without end is refused', async (t) => {
  const model = { ...graph({}, []), next: (state: number) => [{ label: 'up', take: () => state + 1 }] };
  t.like(await explore(model, 100), { counterexample: { what: 'graph: more than 100 states' } });
});
