import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'ava';
import { request } from 'undici';
import { type Name, startProcess, temporary } from './shop.js';

const run = (name: Name, args: readonly string[], env: Record<string, string> = {}) => {
  const main = new URL(`../../participants/${name}/main.js`, import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return { status, stdout, stderr };
};

for (const name of ['order', 'payment', 'stock'] as const) {
  test(`${name} says what it takes`, (t) => {
    const { status, stdout } = run(name, ['--help']);
    t.is(status, 0);
    t.regex(stdout, new RegExp(`The ${name} service[\\s\\S]*--listen host:port[\\s\\S]*--db path`));
  });

  test(`${name} says where it listens, and that it is well`, async (t) => {
    const service = await startProcess(t, name, path.join(await temporary(t), 'service.db'));
    const answer = await request(`${service.url}/healthz`);
    t.deepEqual(await answer.body.json(), { status: 'ok', participants: [name] });
  });
}

test('the provider says what it takes, and what is wrong with what it got', (t) => {
  const main = new URL('../../participants/provider/main.js', import.meta.url).pathname;
  const runProvider = (...args: readonly string[]) =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  t.regex(runProvider('--help').stdout, /--lose-every N/);
  const { status, stderr } = runProvider('--slow-ms', 'soon');
  t.is(status, 2);
  t.regex(stderr, /--slow-ms: expected a whole number from 0, got soon/);
});

const wrong: readonly [string, Name, readonly string[], Record<string, string>, RegExp][] = [
  ['an unknown flag', 'order', ['--accounts', 'ann=1'], {}, /--accounts/],
  ['an address without a port', 'order', ['--listen', 'localhost'], {}, /listen: expected host:port .*got "localhost"/],
  [
    'a balance that is no number',
    'payment',
    ['--accounts', 'ann=10,bob=much'],
    {},
    /accounts: expected .* got bob=much/,
  ],
  ['a quantity that is negative', 'stock', [], { STOCK_SKUS: 'tea=-1' }, /skus: expected .* got tea=-1/],
  ['a secret that is none', 'stock', [], { PARTICIPANT_SIGNING_SECRET: 'hunter2' }, /expected "?whsec_/],
];

for (const [what, name, args, env, complaint] of wrong) {
  test(`${name} refuses to start with ${what}, and names it`, async (t) => {
    const db = path.join(await temporary(t), 'service.db');
    const { status, stdout, stderr } = run(name, ['--listen', '127.0.0.1:0', '--db', db, ...args], env);
    t.is(status, 2);
    t.is(stdout, '');
    t.regex(stderr, complaint);
    t.notRegex(stderr, /hunter2/);
  });
}
