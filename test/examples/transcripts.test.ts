/** Every example runs from its compiled file in a folder of its own, and prints what its transcript says. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { temporary } from '../helpers/temporary.js';
import { root } from '../tidy/sources.js';
import { told } from './transcript.js';

const examples = readdirSync(`${root}examples`).filter((name) => /^\d\d-/.test(name));

const surroundings = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CONCORDAT_')));

const outputOf = (example: string, cwd: string): Promise<{ out: string; err: string; code: unknown }> =>
  new Promise((resolve) => {
    const main = `${root}dist/examples/${example}/main.js`;
    const options = { cwd, env: surroundings(), encoding: 'utf8', timeout: 100_000 } as const;
    execFile(process.execPath, [main], options, (error, out, err) => resolve({ out, err, code: error?.code ?? 0 }));
  });

test('there are examples', (t) => {
  t.true(examples.length >= 4);
});

for (const example of examples) {
  test.serial(`examples/${example} prints its transcript`, async (t) => {
    const { out, err, code } = await outputOf(example, await temporary(t));
    t.is(code, 0, err);
    t.is(told(out), told(readFileSync(`${root}examples/${example}/transcript.txt`, 'utf8')));
  });

  test(`examples/${example} says what it shows and how it is run`, (t) => {
    const page = `${root}examples/${example}/README.md`;
    t.true(existsSync(page));
    t.true(readFileSync(page, 'utf8').includes(`node dist/examples/${example}/main.js`));
  });
}

test('what differs from run to run is not compared, and all else is', (t) => {
  t.is(
    told(
      'xid 01990f6e-95a1-7c3e-8f5e-5d6d2b1f3a4c at 2030-01-31T12:00:00.123Z on http://127.0.0.1:40123 took 12.5 ms\n',
    ),
    'xid <id> at <time> on http://127.0.0.1:<port> took <ms> ms',
  );
  t.not(told('committed'), told('rolled_back'));
});
