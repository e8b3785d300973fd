/** What fast-check draws: how a transaction begins, and what happens to it. */
import fc from 'fast-check';
import type { InputOf } from '../../coordinator/decide/inputs.js';
import { kindNames } from '../../sdk/protocol/kinds.js';
import { plan, policy, request, type Step } from './requests.js';
import { type Move, retry, type World } from './world.js';

const quick = { ...policy, retry, parkAfterMs: 1500, pendingForMs: 300, crashesMax: 2 };

const times = fc.record({
  onTimeout: fc.constantFrom('rollback' as const, 'rollback' as const, 'ask' as const),
  deadlineAt: fc.constantFrom(null, 1_002_000),
  policy: fc.constant(quick),
});

/** A random plan: any DAG over mixed kinds; with a pivot, all before it come before it and all after it after it. */
const plans: fc.Arbitrary<InputOf<'open'>> = fc
  .record({
    steps: fc.array(
      fc.record({
        kind: fc.constantFrom(...kindNames),
        links: fc.nat(63),
        attemptsMax: fc.integer({ min: 1, max: 3 }),
      }),
      {
        minLength: 1,
        maxLength: 6,
      },
    ),
    pivot: fc.option(fc.nat(5)),
    times,
  })
  .map(({ steps, pivot, times }) => {
    const isPivot = (index: number) => index === pivot && steps[index]?.kind !== 'message';
    const at = steps.findIndex((_, index) => isPivot(index));
    const built = steps.map(({ kind, links, attemptsMax }, index): Step => {
      const earlier = steps.flatMap((_, other) => {
        const linked = ((links >> other) & 1) === 1;
        const forced = at >= 0 && (index === at || (index > at && other === at));
        return other < index && (linked || forced) ? [`s${other}`] : [];
      });
      return {
        id: `s${index}`,
        kind,
        after: earlier,
        retry: { ...retry, attemptsMax },
        ...(index === at && { pivot: true }),
      };
    });
    return plan(built, times);
  });

export const openings: fc.Arbitrary<InputOf<'open'>> = fc.oneof(plans, plans, times.map(request));

const wills = ['done', 'done', 'done', 'refused', 'pending', 'unknown', 'lost'] as const;

export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({ act: fc.nat(99), pick: fc.nat(7), will: fc.constantFrom(...wills), second: fc.boolean() }),
  { minLength: 5, maxLength: 60, size: 'max' },
);

type Act = readonly [share: number, act: (world: World, move: Move) => void];

const acts: readonly Act[] = [
  [22, (world, { pick }) => world.send(pick)],
  [20, (world, { pick, will }) => world.arrive(pick, will)],
  [18, (world, { pick }) => world.answer(pick)],
  [5, (world, { pick, second }) => world.repeat(pick, second)],
  [4, (world, { pick }) => world.lose(pick)],
  [9, (world, { pick }) => world.tick([0, 10, 60, 200, 500, 1100][pick % 6]!)],
  [6, (world, { pick, second }) => world.addBranch(pick, second)],
  [3, (world, { will, second }) => world.check(will, second)],
  [3, (world, { second }) => world.commit(second)],
  [2, (world, { second }) => world.put({ type: 'rollback', reason: 'asked' }, world.any(second))],
  [1, (world, { second }) => world.put({ type: 'rollback_only', reason: 'marked' }, world.any(second))],
  [2, (world, { second }) => world.put({ type: 'deadline' }, world.any(second))],
  [1, (world, { second }) => world.put({ type: 'retry', by: 'ann' }, world.any(second))],
  [1, (world, { second }) => world.resolve(second)],
  [2, (world) => world.adopt()],
  [1, (world, { pick }) => world.unstorable(pick)],
];

export function play(world: World, move: Move): void {
  let rest = move.act;
  for (const [share, act] of acts) {
    if (rest >= 0 && rest < share) act(world, move);
    rest -= share;
  }
}
