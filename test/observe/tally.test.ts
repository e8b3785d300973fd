import test from 'ava';
import { Tally, talliedStore } from '../../coordinator/observe/tally.js';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import { manualClock } from '../helpers/clock.js';
import { chance, nextAppend, sampleAppend, sampleSummary } from '../store/sample.js';

const end = { status: 'committed', finishedAt: 2_000 } as const;

test('each transaction is counted once when it opens and once when it ends, and what lost is not counted', async (t) => {
  const clock = manualClock();
  const tally = new Tally(clock);
  const store = talliedStore(memoryStore({ disk: memoryDisk(chance) }), tally, clock);
  const first = sampleAppend('x1', { summary: sampleSummary() });
  const ended = nextAppend(first, { at: 2_000, summary: sampleSummary(end) });
  // The owner changed after the end.
  const later = nextAppend(ended, { at: 3_000, summary: sampleSummary(end) });
  for (const append of [first, ended, later]) t.is(await store.append(append), 'won');
  t.is(await store.append(sampleAppend('x1')), 'lost');
  t.is(tally.opened, 1);
  t.deepEqual(tally.finished, { committed: 1, rolled_back: 0, resolved: 0 });
});

test('rates are of the last minute, and of less at the start', async (t) => {
  const clock = manualClock();
  const tally = new Tally(clock);
  const open = () => tally.won(sampleAppend('x', { summary: sampleSummary() }));
  for (let second = 0; second < 10; second++) {
    open();
    clock.advance(1000);
  }
  t.is(tally.rates().openedPerSecond, 1);
  clock.advance(20_000);
  t.is(tally.rates().openedPerSecond, 10 / 30);
  clock.advance(30_500);
  t.true(tally.rates().openedPerSecond < 10 / 60, 'the first ones are more than a minute ago');
  clock.advance(60_000);
  t.deepEqual(tally.rates(), { openedPerSecond: 0, finishedPerSecond: 0 });
});
