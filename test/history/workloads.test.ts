/** What each kind declares is really seen, and what it excludes is not: on the real engine, host and fence. */
import test, { type ExecutionContext } from 'ava';
import { plan } from '../decide/requests.js';
import { HistoryChecker, type Verdict } from './checker.js';
import type { Anomaly } from './declared.js';
import { Driver, type DriverOptions, type Place, places } from './driver.js';
import { wrongIn } from './teller.js';

const transactions = 250;
/** They come within this time, some thirty at once. */
const arriveMs = 4000;
const retry = { attemptsMax: 20, initialMs: 50, maxMs: 500, factor: 2 };

type Steps = Parameters<typeof plan>[0];

/** Runs as many transactions as there are, each at a moment drawn for it. */
async function run(
  t: ExecutionContext,
  options: Omit<DriverOptions, 'write'>,
  stepsOf: (driver: Driver, index: number) => Steps,
  stock = 0,
): Promise<Verdict> {
  const checker = new HistoryChecker();
  const driver = new Driver({ ...options, write: (record) => checker.feed(structuredClone(record)) });
  if (stock > 0) for (const name of places) for (const account of accounts) driver.stock(name, account, stock);
  await driver.start();
  const xids = Array.from({ length: transactions }, (_, index) => `t${index}`);
  for (const [index, xid] of xids.entries()) {
    const steps = stepsOf(driver, index).map((step) => ({ retry, ...step }));
    driver.clock.after(driver.dice.below(arriveMs), () => void driver.open(xid, plan(steps)));
  }
  await driver.world.advance(arriveMs);
  t.true(await driver.finish(xids));
  const verdict = checker.verdict();
  t.log(verdict.anomalies.map(({ anomaly, kinds, count }) => `${anomaly} of ${kinds}: ${count}`).join(', '));
  t.log([...verdict.statuses].map(([status, count]) => `${count} ${status}`).join(', '));
  return verdict;
}

const countOf = ({ anomalies }: Verdict, anomaly: Anomaly): number =>
  anomalies.filter((each) => each.anomaly === anomaly).reduce((sum, { count }) => sum + count, 0);

const accounts = ['ann', 'bob', 'cat'];

/** Two or three steps at either participant, each reading a list and appending to one. */
const lists =
  (kind: 'saga' | 'tcc') =>
  ({ dice }: Driver, index: number): Steps =>
    Array.from({ length: dice.between(2, 3) }, (_, step) => {
      // A new set of lists now and then, so that none becomes long.
      const keyOf = () => `list${Math.floor(index / 60)}.${dice.below(4)}`;
      const target = { participant: dice.one(places), handler: kind === 'saga' ? 'put' : 'reserve' };
      const appends = dice.chance(0.7) ? [[keyOf(), index * 10 + step] as const] : [];
      return { id: `s${step}`, kind, target, input: { reads: [keyOf()], appends } };
    });

/** A transfer within one participant or across both, and every fifth time a look at all balances. */
const bank =
  (kind: 'saga' | 'tcc') =>
  ({ dice }: Driver, index: number): Steps => {
    const step = (
      id: string,
      handler: string,
      of: typeof kind,
      participant: Place,
      account: string,
      amount: number,
    ) => ({
      id,
      kind: of,
      target: { participant, handler },
      input: { account, amount },
    });
    if (index % 5 === 0) return [step('look', 'count', 'saga', dice.one(places), 'ann', 0)];
    const amount = dice.between(1, 20);
    const [take, give] = kind === 'saga' ? (['withdraw', 'deposit'] as const) : (['hold', 'announce'] as const);
    const from = dice.one(places);
    return [
      step('from', take, kind, from, dice.one(accounts), amount),
      step('to', give, kind, dice.chance(0.5) ? from : dice.one(places), dice.one(accounts), amount),
    ];
  };

test('lists of sagas: what is not decided is seen, and all that sagas declare', async (t) => {
  const verdict = await run(t, { seed: 11 }, lists('saga'));
  t.deepEqual(wrongIn(verdict), []);
  for (const anomaly of ['dirty read', 'G1a', 'G0', 'G1c', 'G-single', 'lost update'] as const)
    t.true(countOf(verdict, anomaly) > 0, `${anomaly} is seen`);
});

test('lists of reservations: nothing is seen before it is decided, and nothing that is undone', async (t) => {
  const verdict = await run(t, { seed: 12 }, lists('tcc'));
  t.deepEqual(wrongIn(verdict), []);
  t.is(countOf(verdict, 'dirty read') + countOf(verdict, 'G1a'), 0);
  for (const anomaly of ['G0', 'G-single', 'lost update'] as const)
    t.true(countOf(verdict, anomaly) > 0, `${anomaly} is seen`);
});

test('planted: a reservation that shows itself is seen', async (t) => {
  const verdict = await run(t, { seed: 12, showsReservations: true }, lists('tcc'));
  const found = wrongIn(verdict);
  for (const anomaly of ['dirty read', 'G1a'])
    t.true(
      found.some((each) => each.startsWith(`isolation tcc shows ${anomaly},`)),
      `expected ${anomaly}: ${found}`,
    );
});

test('a bank of sagas: money under way is seen to be missing, and nothing is lost', async (t) => {
  const verdict = await run(t, { seed: 13 }, bank('saga'), 60);
  t.deepEqual(wrongIn(verdict), []);
  t.true(countOf(verdict, 'dirty total') > 0);
});

test('a bank of reservations: money is missing between two confirmations only', async (t) => {
  const verdict = await run(t, { seed: 14 }, bank('tcc'), 60);
  t.deepEqual(wrongIn(verdict), []);
  t.is(countOf(verdict, 'dirty total'), 0);
  t.true(countOf(verdict, 'torn total') > 0);
});
