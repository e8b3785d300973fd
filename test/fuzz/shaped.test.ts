/** Malformed requests that are HTTP: whatever they say, they are answered, and what is refused leaves nothing behind. */
import test, { type ExecutionContext } from 'ava';
import { counted, type Ground, numberFrom, prepareGround } from './ground.js';
import { type Prepared, shaped } from './requests.js';
import { flawOf } from './verdict.js';
import { type Answer, headOf, Line } from './wire.js';

/** All parts together; each has a coordinator of its own. */
const parts = ['one', 'two', 'three', 'four', 'five'];
const requests = Math.ceil(numberFrom('CONCORDAT_FUZZ_REQUESTS', 130_000) / parts.length);
const lines = 6;
const together = 24;
const renewedAfter = 4000;

class Tally {
  answered = 0;
  malformed = 0;
  /** Of those that are malformed; the others are wrong in what nobody looks at. */
  refused = 0;
  readonly statuses = new Map<number, number>();
  readonly flaws: string[] = [];
  readonly opened = new Set<string>();
  readonly registered = new Set<string>();
  /** Transactions that something was done to. */
  readonly changed = new Set<string>();

  count({ id, drawn, bytes, isMalformed }: Prepared, answer: Answer): void {
    const { status, headers, text } = answer;
    this.answered++;
    if (isMalformed) this.malformed++;
    if (isMalformed && status >= 400) this.refused++;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    const flaw = flawOf(answer) ?? (headers.get('x-request-id') === id ? undefined : 'the answer of another request');
    if (flaw !== undefined && this.flaws.length < 10)
      this.flaws.push(`${flaw}\n${bytes.toString('latin1').slice(0, 2000)}`);
    if (status >= 300 || drawn.method === 'GET') return;
    const [, , room, name = '', , instance = ''] = (drawn.path.split('?', 1)[0] ?? '').split('/');
    if (drawn.operation === 'openTransaction') this.opened.add(JSON.parse(text).xid);
    else if (room === 'transactions') this.changed.add(decodeURIComponent(name));
    else if (drawn.method === 'PUT' && instance)
      this.registered.add(`${decodeURIComponent(name)}/${decodeURIComponent(instance)}`);
  }
}

/** One connection's share: so many requests, some at a time. */
async function throwAt(ground: Ground, next: () => Prepared, count: number, tally: Tally): Promise<void> {
  const line = new Line(ground.port);
  let waiting: Prepared[] = [];
  for (let left = count; left > 0 && tally.flaws.length < 10; ) {
    while (waiting.length < together && !waiting.at(-1)?.lastly) waiting.push(next());
    const last = waiting.at(-1);
    if (last?.lastly === 'stream') {
      waiting.pop();
      const head = await headOf(ground.port, last.bytes);
      if (!/^HTTP\/1\.1 (?:2\d\d|4\d\d|501) /.test(head)) tally.flaws.push(`a stream began with ${head}`);
    }
    const answers = waiting.length > 0 ? await line.ask(waiting.map(({ bytes }) => bytes)) : [];
    for (const [nth, answer] of answers.entries()) tally.count(waiting[nth] as Prepared, answer);
    left -= answers.length;
    if (answers.length === 0 && waiting.length > 0) {
      tally.flaws.push(`no answer to ${waiting[0]?.bytes.toString('latin1').slice(0, 2000)}`);
      left--;
    }
    if (answers.length < waiting.length) {
      // What comes after may have been done without an answer.
      const closing = waiting[answers.length - 1]?.bytes.toString('latin1').slice(0, 2000);
      tally.flaws.push(`it closed with ${answers.at(-1)?.status} after ${closing}`);
    }
    waiting = [];
  }
  line.close();
}

async function throwAll(ground: Ground): Promise<Tally> {
  const next = shaped({ document: ground.document, dice: ground.dice, pools: ground.pools, good: 0.05 });
  const tally = new Tally();
  for (let left = requests; left > 0 && tally.flaws.length === 0; left -= renewedAfter) {
    const each = Math.ceil(Math.min(left, renewedAfter) / lines);
    await Promise.all(Array.from({ length: lines }, () => throwAt(ground, next, each, tally)));
    await ground.renew();
  }
  return tally;
}

/** What is there is what answers said, and nothing else. */
async function checkStored(t: ExecutionContext, ground: Ground, { opened, registered, changed }: Tally): Promise<void> {
  const known = new Set([...opened, ...ground.victims]);
  const stored = await ground.xids();
  t.deepEqual(
    [...stored].filter((xid) => !known.has(xid)),
    [],
    'stored, though no answer said so',
  );
  t.deepEqual(
    [...known].filter((xid) => !stored.has(xid)),
    [],
    'not stored, though an answer said so',
  );
  const instances = await ground.instances();
  t.deepEqual(
    [...instances].filter((name) => !registered.has(name)),
    [],
    'registered, though no answer said so',
  );
  const untouched = ground.victims.filter((xid) => !changed.has(xid));
  t.true(untouched.length >= 5);
  for (const xid of untouched) t.is(await ground.rowsOf(xid), 1, xid);
}

for (const part of parts) {
  test.serial(
    `K1 K7 malformed requests, part ${part}: each is answered as the catalogue says, and none that is refused is stored`,
    async (t) => {
      t.timeout(Math.max(110_000, requests * 20));
      const ground = await prepareGround(t, part);
      const before = process.memoryUsage().rss;
      const began = Date.now();
      const tally = await throwAll(ground);
      const grew = process.memoryUsage().rss - before;
      t.log(
        `${tally.malformed} malformed of ${tally.answered}, ${tally.refused} refused, in ${Date.now() - began} ms: ${counted(tally.statuses)}`,
      );
      t.log(`${tally.opened.size} opened; memory grew by ${Math.round(grew / 1024 ** 2)} MB`);
      t.deepEqual(tally.flaws, []);
      t.true(tally.opened.size > 0);
      t.true(tally.malformed >= requests * 0.85, `${tally.malformed} malformed`);
      t.true(tally.refused >= requests * 0.65, `${tally.refused} refused`);
      await checkStored(t, ground, tally);
      t.true(grew < 400 * 1024 ** 2, `memory grew by ${grew} bytes`);
      t.false('polluted' in {});
      const good = { name: 'good', steps: [{ id: 'a', kind: 'saga', url: 'http://127.0.0.1:9/a' }] };
      const { status, body } = await ground.post('/v1/transactions', good, { prefer: 'wait=10' });
      t.deepEqual([status, body.status], [201, 'committed']);
    },
  );
}
