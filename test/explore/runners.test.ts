/** `explore` in the test runners that there are: a right saga passes in each, and a wrong one fails with its story. */
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { asModule, project } from '../package/installed.js';
import { root } from '../tidy/sources.js';

const services = `
  import createKnex from 'knex';
  import { participant, saga } from 'concordat';
  import { explore } from 'concordat/testing';

  async function services(right) {
    const db = createKnex({ client: 'sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true });
    await db.raw('create table accounts (owner text primary key, cents integer)');
    await db('accounts').insert({ owner: 'ann', cents: 5000 });
    const charge = saga({
      async action({ cents }, tx) {
        await tx.db('accounts').decrement('cents', cents);
      },
      async compensate({ cents }, tx) {
        if (right) await tx.db('accounts').increment('cents', cents);
      },
    });
    return { participants: [participant({ name: 'bank', db, handlers: { charge } })], close: () => db.destroy() };
  }

  const pay = (client) => client.run('pay', () => client.call({ participant: 'bank', handler: 'charge' }, { cents: 900 }));
  const exploring = (right) => explore(pay, { participants: () => services(right), pairsMax: 3 });
`;

const twoTests = (limit = ''): string => `
  test('a right saga', async () => { await exploring(true); }${limit});
  test('a wrong saga', async () => { await exploring(false); }${limit});
`;

interface Runner {
  readonly name: string;
  /** Where it is installed. */
  readonly modules: string;
  readonly packages: readonly string[];
  /** The line that imports \`test\`. */
  readonly imports: string;
  readonly body: string;
  readonly file: string;
  readonly args: readonly string[];
  /** That one of two tests passed. */
  readonly onePassed: RegExp;
}

const own = path.join(root, 'node_modules');
/** Vitest and Jest are no dependencies: a folder in which \`npm install vitest jest\` was run. */
const others = process.env.CONCORDAT_RUNNERS;
const theirs = path.join(others ?? '', 'node_modules');

const runners: readonly Runner[] = [
  {
    name: 'node:test',
    modules: own,
    packages: [],
    imports: "import test from 'node:test';",
    body: twoTests(),
    file: 'saga.test.mjs',
    args: ['--test', '--test-reporter=tap', 'saga.test.mjs'],
    onePassed: /# pass 1\n# fail 1\n/,
  },
  {
    name: 'AVA',
    modules: own,
    packages: ['ava'],
    imports: "import test from 'ava';",
    body: twoTests().replaceAll('async () => {', 'async (t) => { t.timeout(60_000); t.pass();'),
    file: 'saga.test.mjs',
    args: ['node_modules/ava/entrypoints/cli.mjs', '--tap', 'saga.test.mjs'],
    onePassed: /# pass 1\n# fail 1\n/,
  },
  {
    name: 'Vitest, while its timers are fakes',
    modules: theirs,
    packages: ['vitest'],
    imports: "import { test, vi } from 'vitest'; vi.useFakeTimers();",
    body: twoTests(', 60_000'),
    file: 'saga.test.mjs',
    args: ['node_modules/vitest/vitest.mjs', 'run', 'saga.test.mjs'],
    onePassed: /Tests {2}1 failed \| 1 passed/,
  },
  {
    name: 'Jest',
    modules: theirs,
    packages: ['jest', '@jest/globals'],
    imports: "import { test } from '@jest/globals';",
    body: twoTests(', 60_000'),
    file: 'saga.test.mjs',
    args: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--testMatch', '**/saga.test.mjs'],
    onePassed: /Tests: +1 failed, 1 passed, 2 total/,
  },
];

for (const { name, modules, packages, imports, body, file, args, onePassed } of runners) {
  const declare = modules === theirs && others === undefined ? test.skip : test.serial;
  declare(`explore works in ${name}`, async (t) => {
    const { directory } = project({ 'package.json': asModule, [file]: imports + services + body });
    for (const each of packages) {
      const link = path.join(directory, 'node_modules', each);
      mkdirSync(path.dirname(link), { recursive: true });
      symlinkSync(path.join(modules, each), link);
    }
    const said = await outputOf(args, directory);
    t.regex(said, onePassed);
    t.regex(
      said,
      /undo missing: the undo of bank\/charge[\s\S]*takes back nothing of what was written to bank\.accounts/,
    );
  });
}

test('a CommonJS program may require it', async (t) => {
  const program = `
    const { explore } = require('concordat/testing');
    explore().catch((error) => console.log(error.message));`;
  t.regex((await project({ 'main.cjs': program }).node('main.cjs')).out, /^explore: expected a saga as a function/);
});

const outputOf = (args: readonly string[], cwd: string): Promise<string> =>
  new Promise((resolve) => {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(?:NODE_|AVA|CONCORDAT_|VITEST|JEST)/.test(name)),
    );
    const options = { cwd, encoding: 'utf8', env: { ...env, NO_COLOR: '1', CI: '1' }, timeout: 100_000 } as const;
    execFile(process.execPath, [...args], options, (_error, out, err) => resolve(`${out}${err}`));
  });
