import test from 'ava';
import { armed } from '../../coordinator/faults/armed.js';
import { memoryDisk, memoryStore } from '../../coordinator/store/memory.js';
import { appendsOverAnother, plant, storeContract } from '../contracts/store.js';
import { chance, sampleAppend } from './sample.js';

storeContract(
  test,
  async () => {
    const disk = memoryDisk(chance);
    return { open: async (time) => memoryStore({ disk, ...(time && { time }) }) };
  },
  { shared: true },
);

test.serial('planted append-over-another: the check of the contract sees it', async (t) => {
  plant(t, 'append-over-another');
  t.is(await appendsOverAnother(memoryStore({ disk: memoryDisk(chance) })), 2);
});

test.serial('tests can stop the process before and after a commit', async (t) => {
  const reached: string[] = [];
  armed.onReach = (name) => reached.push(name);
  t.teardown(() => {
    armed.onReach = undefined;
  });
  await memoryStore({ disk: memoryDisk(chance) }).append(sampleAppend('x1'));
  t.deepEqual(reached, ['before-commit', 'after-commit']);
});

test('what stands before the disk may lose an answer or fail: then the disk is looked at, as a database is', async (t) => {
  let fails: 'before' | 'after' | undefined;
  const store = memoryStore({
    disk: memoryDisk(chance),
    before: (writer) => ({
      ...writer,
      verdict: (error) => (error === 'lost' ? 'outage' : writer.verdict(error)),
      commit: async (group) => {
        if (fails === 'before') throw new Error('no room');
        const there = await writer.commit(group);
        if (fails === 'after') throw 'lost';
        return there;
      },
    }),
  });
  fails = 'before';
  await t.throwsAsync(store.append(sampleAppend('a')), { message: 'the store refuses a seq 1: no room' });
  fails = 'after';
  t.is(await store.append(sampleAppend('a')), 'won');
});
