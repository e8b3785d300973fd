/** Participants that are killed at each point around their commit, and two of them on one file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { Op } from '../../sdk/protocol/kinds.js';
import { effects, fileOf, handlerOf, openBank, rows, startBank, word } from './bank.js';

const child = fileURLToPath(new URL('kill-child.js', import.meta.url));

/** What a process said that was given these commands, and how it ended. */
async function run(file: string, sent: string, env: Record<string, string> = {}) {
  const process_ = spawn(process.execPath, ['--conditions=concordat-test', child, file, sent], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  process_.stdout.on('data', (data) => {
    said += data;
  });
  const [code, signal] = await once(process_, 'close');
  return { said: said.split('\n').filter(Boolean), died: signal ?? code };
}

const points = [
  ['B3', 'fence-before-work', []],
  ['B3', 'fence-before-commit', []],
  ['B2', 'fence-after-commit', ['do x1.1']],
] as const;

for (const [scenario, point, there] of points) {
  test(`${scenario} killed at ${point}: row and work agree, and a repeat makes one effect of it`, async (t) => {
    const db = await openBank(t);
    const { died, said } = await run(fileOf(db), 'tcc:try:x1', { CONCORDAT_FAILPOINT: point });
    t.deepEqual([died, said], ['SIGKILL', []]);
    t.deepEqual(await effects(db), there);
    const again = await startBank(t, {}, { db });
    t.is((await rows(db)).length, there.length);
    for (const _ of [1, 2]) t.is(word(await again.send('try')), 'done');
    t.deepEqual(await effects(db), ['do x1.1']);
  });

  test(`${scenario} killed at ${point} of a refused first and a good second: each is as it was answered or not there`, async (t) => {
    const db = await openBank(t);
    await run(fileOf(db), 'tcc:try:x1 tcc:cancel:x1', { CONCORDAT_FAILPOINT: `${point}@2` });
    const again = await startBank(t, {}, { db });
    t.is(word(await again.send('cancel', { forward: 'done' })), 'done');
    t.is(word(await again.send('try')), 'refused suppressed');
    t.deepEqual(await effects(db), ['do x1.1', 'undo x1.1']);
  });
}

test('B2 an external run that was killed is asked again with the same key, and never taken for empty', async (t) => {
  const db = await openBank(t);
  const key = 'origin-1-x1-1-try';
  const { died, said } = await run(fileOf(db), 'outside:try:x1', { CONCORDAT_FAILPOINT: 'fence-before-commit@2' });
  t.deepEqual([died, said], ['SIGKILL', [`asked ${key}`]]);
  const asked: string[] = [];
  const outside = handlerOf(
    'tcc',
    { forward: async (_input, tx) => void asked.push(tx.idempotencyKey) },
    { fence: 'external', runMs: 60_000 },
  );
  const again = await startBank(t, { outside }, { db });
  const send = (op: Op) => again.send(op, { handler: 'outside' });
  t.is(word(await send('cancel')), 'running');
  t.is(word(await send('try')), 'running');
  await db('concordat_fence').update({ at: 0 });
  t.is(word(await send('try')), 'done');
  t.deepEqual(asked, [key]);
});

/** What a branch comes to, by what its try and its cancel were answered. */
const outcomesOf: Readonly<Record<string, readonly string[]>> = {
  'done done': ['do', 'undo'],
  'refused suppressed done': [],
  'done running': ['do'],
  'running done': [],
  'running running': [],
};

test('D3 tries and cancels of two processes on one file: each branch has both effects or none', async (t) => {
  const db = await openBank(t);
  await startBank(t, {}, { db });
  const xids = Array.from({ length: 30 }, (_, index) => `x${index}`);
  const commands = (op: Op) => xids.map((xid) => `slow:${op}:${xid}`).join(' ');
  const [tries, cancels] = await Promise.all([run(fileOf(db), commands('try')), run(fileOf(db), commands('cancel'))]);
  t.deepEqual([tries.died, cancels.died], [0, 0]);
  const all = await effects(db);
  for (const [index, xid] of xids.entries()) {
    const mine = all.filter((each) => each.endsWith(` ${xid}.1`)).map((each) => each.split(' ')[0]);
    const [tried, cancelled] = [tries, cancels].map(({ said }) => said[index]?.split(' ').slice(1).join(' '));
    const expected = outcomesOf[`${tried} ${cancelled}`];
    t.deepEqual(mine, expected, `${xid}: ${tried}, ${cancelled}`);
  }
});
