import test from 'ava';
import { echo, embedded, planOf } from './embedding.js';

test('an embedded coordinator measures when it is asked to, what goes over its store and to its participants', async (t) => {
  const stock = echo('stock');
  const client = await embedded(t, { participants: [stock.participant], listen: '127.0.0.1:0', metrics: true });
  await client.submit(planOf('stock'), { waitSeconds: 10 });
  const text = await (await fetch(`${client.url}/metrics`)).text();
  for (const line of [
    'concordat_branch_calls_total{participant="stock",op="action",outcome="done"} 1',
    'concordat_branch_call_duration_seconds_count{participant="stock",op="action"} 1',
    'concordat_transactions_finished_total{status="committed"} 1',
    'concordat_append_group_size_count 2',
    'concordat_append_duration_seconds_count 2',
    'concordat_commands_held{participant="stock"} 0',
  ])
    t.true(text.includes(`\n${line}\n`), line);
  t.regex(text, /\nconcordat_lease_age_seconds \d+(\.\d+)?\n/);
});

test('and has no metrics otherwise', async (t) => {
  const client = await embedded(t, { listen: '127.0.0.1:0' });
  const answer = await fetch(`${client.url}/metrics`);
  t.is(answer.status, 501);
  t.is((await fetch(`${client.url}/v1/stats`)).status, 200);
});
