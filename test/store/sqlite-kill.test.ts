import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { xidOf } from './sample.js';
import { openStore, tempFile } from './sqlite-disk.js';

interface Aftermath {
  /** What the killed process was told is stored. */
  readonly acknowledged: readonly string[];
  /** Of it, what is not there. */
  readonly missing: readonly string[];
}

/** Appends in a process until the failpoint kills it, then reads the file. */
async function killedAt(t: ExecutionContext, failpoint: string, planted = ''): Promise<Aftermath> {
  const path = await tempFile(t);
  const child = fork(fileURLToPath(new URL('sqlite-kill-child.js', import.meta.url)), [path], {
    execArgv: ['--conditions=concordat-test'],
    env: { ...process.env, CONCORDAT_FAILPOINT: failpoint, CONCORDAT_PLANTED: planted },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let said = '';
  child.stdout?.on('data', (data) => {
    said += data;
  });
  const [, signal] = await once(child, 'close');
  t.is(signal, 'SIGKILL');
  const acknowledged = said.split('\n').slice(0, -1);
  const store = await openStore(t, { path });
  const missing: string[] = [];
  for (const name of acknowledged) if ((await store.load(xidOf(name))).length === 0) missing.push(name);
  return { acknowledged, missing };
}

for (const failpoint of ['before-commit@20', 'after-commit@20', 'before-commit@21', 'after-commit@21']) {
  test(`I3 what was acknowledged before a kill at ${failpoint} is there`, async (t) => {
    const { acknowledged, missing } = await killedAt(t, failpoint);
    t.true(acknowledged.length > 0);
    t.deepEqual(missing, []);
  });
}

test('planted answer-before-commit: the check above sees it', async (t) => {
  const { missing } = await killedAt(t, 'before-commit@21', 'answer-before-commit');
  t.true(missing.length > 0);
});
