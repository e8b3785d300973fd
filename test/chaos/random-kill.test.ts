import path from 'node:path';
import test from 'ava';
import { temporary } from '../helpers/temporary.js';
import { storm } from './storm.js';

const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const forMs = Number(process.env.CHAOS_MS ?? 20_000);

test(`A1-A13 B1-B3 C1 I1-I8 I10-I12 whatever is killed at random moments, every order ends right (seed ${seed})`, async (t) => {
  t.timeout(forMs + 120_000);
  const { kills, orders, wrong } = await storm(t, {
    seed,
    forMs,
    pauseMs: 150,
    history: path.join(await temporary(t), 'history.jsonl'),
    say: (line) => t.log(line),
  });
  t.deepEqual(wrong, []);
  t.true(Object.values(kills).length > 2, 'coordinator and services were killed');
  t.log(orders);
  t.true(Object.values(orders).reduce((sum, count) => sum + count, 0) > 50, 'there were orders');
});
