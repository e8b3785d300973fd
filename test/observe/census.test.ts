import test from 'ava';
import { Census } from '../../coordinator/observe/census.js';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import { manualClock } from '../helpers/clock.js';
import { chance, sampleAppend, sampleSummary } from '../store/sample.js';

test('what is finished is counted for a hundredth of the time at most, what is under way every second', async (t) => {
  const store = memoryStore({ disk: memoryDisk(chance) });
  const clock = manualClock();
  const asked = { finished: 0, underWay: 0 };
  const census = new Census(
    {
      oldestUnfinished: () => store.oldestUnfinished(),
      counts(statuses) {
        const isFinished = statuses.includes('committed');
        asked[isFinished ? 'finished' : 'underWay']++;
        // As with a million of them.
        if (isFinished) clock.advance(50);
        return store.counts(statuses);
      },
    },
    clock,
  );
  await store.append(sampleAppend('x1', { summary: sampleSummary({ status: 'committed', finishedAt: 1_000 }) }));
  t.is((await census.finished()).counts.get('committed'), 1);
  for (let second = 0; second < 60; second++) {
    await store.append(sampleAppend(`y${second}`, { summary: sampleSummary() }));
    clock.advance(1000);
    const underWay = await census.underWay();
    t.is(underWay.counts.get('active'), second + 1);
    t.is(underWay.at, clock.now());
    const finished = await census.finished();
    t.true(clock.now() - finished.at <= 5000 + 1000 + 50);
  }
  t.is(asked.underWay, 60);
  t.true(asked.finished <= 13, `${asked.finished}`);
});

test('a count that failed is not remembered', async (t) => {
  const store = memoryStore({ disk: memoryDisk(chance) });
  let isUp = false;
  const counts = () => (isUp ? store.counts(['active']) : Promise.reject(new Error('away')));
  const census = new Census({ counts, oldestUnfinished: () => store.oldestUnfinished() }, manualClock());
  await t.throwsAsync(() => census.underWay(), { message: 'away' });
  isUp = true;
  await t.notThrowsAsync(() => census.underWay());
});
