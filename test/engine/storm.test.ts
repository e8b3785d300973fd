import test, { type ExecutionContext } from 'ava';
import { wrongWith } from './invariants.js';
import { Storm } from './storm.js';

async function survives(t: ExecutionContext, seed: number, transactions: number): Promise<void> {
  const storm = new Storm(seed);
  const { cluster } = storm;
  t.teardown(() => {
    for (const process of cluster.processes) process.kill();
  });
  await storm.run(transactions);
  await storm.calm();
  await cluster.finish(storm.xids, 600_000);
  t.deepEqual(await wrongWith(cluster, storm.xids), [], `seed ${seed}`);
  for (const [xid, promise] of storm.promises) {
    const status = await cluster.status(xid);
    t.true(
      promise === 'there' ? status !== 'absent' : status !== 'committed',
      `seed ${seed}: ${xid} was promised '${promise}', is ${status}`,
    );
  }
  // Nothing is left in memory but what is in nobody's hands any more.
  await cluster.world.advance(30_000);
  for (const { engine, clock, name } of cluster.processes) {
    if (clock.state === 'running') t.is(engine.size(), 0, `seed ${seed}: ${name} still holds transactions`);
  }
}

for (let seed = 1; seed <= 4; seed++) {
  test(`I1-I8 I10 I11 random work under random trouble ends well (seed ${seed})`, (t) => survives(t, seed, 100));
}

test('the same seed gives the same trace twice', async (t) => {
  const traces: string[][] = [];
  for (let i = 0; i < 2; i++) {
    const storm = new Storm(6);
    const { cluster } = storm;
    await storm.run(40);
    for (const process of cluster.processes) process.kill();
    traces.push(
      cluster.network.sent.map(({ from, command, at }) => `${at} ${from} ${command.body.xid} ${command.body.op}`),
    );
    t.true(traces[i]!.length > 100);
  }
  t.deepEqual(traces[0], traces[1], 'seed 6');
});
