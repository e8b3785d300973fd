/** Bytes that are hardly HTTP: every connection ends, and every answer is one of the catalogue. */
import test from 'ava';
import { counted, type Ground, numberFrom, prepareGround } from './ground.js';
import { type Prepared, shaped, spoiledBytes } from './requests.js';
import { flawOf } from './verdict.js';
import { exchangeRaw } from './wire.js';

const requests = numberFrom('CONCORDAT_FUZZ_RAW', 20_000);
const lines = 8;

interface Tally {
  sent: number;
  answers: number;
  connections: number;
  readonly statuses: Map<number, number>;
  readonly flaws: string[];
}

async function throwAt({ port, dice }: Ground, next: () => Prepared, tally: Tally): Promise<void> {
  while (tally.sent < requests && tally.flaws.length < 10) {
    const { bytes, count } = spoiledBytes(next, dice);
    tally.sent += count;
    tally.connections++;
    const { answers, rest } = await exchangeRaw(port, bytes);
    tally.answers += answers.length;
    for (const answer of answers) {
      tally.statuses.set(answer.status, (tally.statuses.get(answer.status) ?? 0) + 1);
      const flaw = flawOf(answer);
      if (flaw !== undefined) tally.flaws.push(`${flaw}\n${JSON.stringify(bytes.toString('latin1').slice(0, 3000))}`);
    }
    // The body that an answer to HEAD announces does not come.
    if (rest !== '' && !rest.startsWith('HTTP/1.1 ')) tally.flaws.push(`it ended with ${JSON.stringify(rest)}`);
  }
}

test.serial('K8 bytes that are hardly HTTP: every connection ends with answers from the catalogue', async (t) => {
  t.timeout(Math.max(110_000, requests * 20));
  const ground = await prepareGround(t, 'raw');
  const before = process.memoryUsage().rss;
  const began = Date.now();
  const next = shaped({ document: ground.document, dice: ground.dice, pools: ground.pools, good: 0.5 });
  const tally: Tally = { sent: 0, answers: 0, connections: 0, statuses: new Map(), flaws: [] };
  await Promise.all(Array.from({ length: lines }, () => throwAt(ground, next, tally)));
  const { sent, connections, answers } = tally;
  t.log(`${sent} requests over ${connections} connections in ${Date.now() - began} ms, ${answers} answers`);
  t.log(counted(tally.statuses));
  t.deepEqual(tally.flaws, []);
  t.true(process.memoryUsage().rss - before < 500 * 1024 ** 2);
  t.false('polluted' in {});
  const { status } = await ground.get('/readyz');
  t.is(status, 200);
});
