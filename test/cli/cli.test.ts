import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { connect } from '../../sdk/index.js';
import { folder, run, startServe } from './processes.js';

/** A participant that refuses to confirm, with text that would clear a terminal. */
async function startStubborn(t: ExecutionContext): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    if (!request.url?.endsWith('/confirm')) return response.end('{"note":"\\u009b2J"}');
    response.writeHead(409, { 'content-type': 'application/problem+json' });
    return response.end(JSON.stringify({ detail: 'gone \u001b[2J\u009b2J for good' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a stuck transaction is found, shown, retried and resolved from the command line', async (t) => {
  const directory = folder(t);
  const serve = await startServe(t, [], { directory });
  const env = { CONCORDAT_URL: serve.first.listening };
  const tx = (...args: string[]) => run(['tx', ...args], { directory, env });
  const client = connect({ url: serve.first.listening });
  t.teardown(() => client.close());
  const url = await startStubborn(t);
  const step = { id: 'a', kind: 'tcc' as const, url };
  await client.submit({ name: 'checkout', xid: 'x1', steps: [step] }, { waitSeconds: 10 });

  const list = await tx('list', '--status', 'parked');
  t.is(list.code, 0);
  t.regex(list.out, /^xid +name +status.*\nx1 +checkout +parked/);
  const show = await tx('show', 'x1', '--events');
  t.regex(show.out, /status +parked \(commit\)/);
  t.regex(show.out, /1 +a +tcc +http:.* parked +1 +gone \[2J 2J for good/);
  t.regex(show.out, /2\.0 .*branch_done/);
  const json = await tx('show', 'x1', '--json');
  t.is(JSON.parse(json.out).branches[0].output.note, '\u009b2J');
  for (const { out } of [list, show, json]) t.notRegex(out, /[^\P{Cc}\n]/u);

  t.regex((await tx('retry', 'x1')).out, /transaction +x1/);
  t.is((await client.wait('x1')).status, 'parked');
  const wrong = await tx('resolve', 'x1', '--branch', '2', '--as', 'done', '--reason', 'by hand');
  t.is(wrong.code, 1);
  t.regex(wrong.err, /^error: .*branch_not_found/);
  const resolved = await tx('resolve', 'x1', '--branch', '1', '--as', 'done', '--reason', 'by hand', '--json');
  t.is(resolved.code, 0);
  t.is(JSON.parse(resolved.out).status, 'resolved');
  t.is((await tx('rollback', 'x1')).code, 1);
  t.is((await tx('list', '--status', 'parked')).out, 'no transactions\n');
  t.is(await serve.stop(), 0);
});

test('E1 killed before the answer, the request is answered by the transaction it had opened', async (t) => {
  const directory = folder(t);
  const body = JSON.stringify({ name: 'checkout', xid: 'x1' });
  const open = (url: string) =>
    fetch(`${url}/v1/transactions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const killed = await startServe(t, [], { directory, failpoint: 'before-answer' });
  await t.throwsAsync(open(killed.first.listening));
  const { first } = await startServe(t, [], { directory });
  t.is((await open(first.listening)).status, 200);
});

test('a plain stop and start keeps everything', async (t) => {
  const directory = folder(t);
  const first = await startServe(t, [], { directory });
  const { xid } = await connect({ url: first.first.listening }).open({ name: 'checkout', xid: 'x1' });
  t.is(await first.stop(), 0);
  const second = await startServe(t, [], { directory });
  const shown = await run(['tx', 'show', xid, '--json', '--url', second.first.listening], { directory });
  t.is(JSON.parse(shown.out).status, 'active');
  t.is(await second.stop(), 0);
});

test('exit codes tell what is wrong: 1 the answer is no, 2 usage, 3 nobody there', async (t) => {
  const directory = folder(t);
  const { first } = await startServe(t, [], { directory });
  const env = { CONCORDAT_URL: first.listening };
  const codes: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['tx', 'show', 'none'], 1, /there is no transaction none \(transaction_not_found\)/],
    [['tx', 'show'], 2, /missing required argument 'xid'/],
    [['tx', 'list', '--status', 'gone'], 2, /--status: expected one of active, .*, got "gone"/],
    [['tx', 'list', '--limit', 'many'], 2, /--limit: expected a whole number from 1 to 500, got "many"/],
    [['tx', 'list', '--colour'], 2, /unknown option '--colour'/],
    [
      ['tx', 'resolve', 'x', '--branch', 'one', '--as', 'done', '--reason', 'x'],
      2,
      /--branch: expected the number of a branch, got "one"/,
    ],
    [['tx', 'resolve', 'x', '--branch', '1', '--as', 'gone', '--reason', 'x'], 2, /Allowed choices are done, skipped/],
    [
      ['tx', 'resolve', 'x', '--branch', '1', '--as', 'done', '--reason', 'x', '--output', '{'],
      2,
      /--output: expected JSON, got "{"/,
    ],
    [['tx', 'list', '--url', 'nowhere'], 2, /url: expected the address of a coordinator/],
    [['tx', 'list', '--url', 'http://127.0.0.1:1'], 3, /no coordinator answers at http:\/\/127.0.0.1:1/],
    [['dance'], 2, /unknown command 'dance'/],
    [['serve', '--listen', '0.0.0.0:0'], 2, /listen \(--listen\): expected a loopback address/],
    [['serve', '--allow', 'example.com'], 2, /allow \(CONCORDAT_ALLOW\): .*expected an origin such as/],
    [['serve', '--api-keys', 'a:admin:k'], 2, /unknown option '--api-keys'/],
    [['--help'], 0, /^$/],
    [['tx', 'resolve', '--help'], 0, /^$/],
  ];
  await Promise.all(
    codes.map(async ([args, code, err]) => {
      const ended = await run(args, { directory, env });
      t.is(ended.code, code, args.join(' '));
      t.regex(ended.err, err, args.join(' '));
    }),
  );
});

test('an address that is taken ends serve with a reason', async (t) => {
  const directory = folder(t);
  const { first } = await startServe(t, [], { directory });
  const ended = await run(['serve', '--listen', new URL(first.listening).host, '--store', 'sqlite:other.db'], {
    directory,
  });
  t.is(ended.code, 1);
  t.regex(ended.err, /listen \(127\.0\.0\.1:\d+\): expected a free address of this machine, got .*EADDRINUSE/);
});

test('a store that cannot be opened is named with its setting', async (t) => {
  const directory = folder(t);
  writeFileSync(join(directory, 'letter.db'), 'Dear Ann, this is no database, and it is longer than a header of one.');
  for (const path of ['letter.db', 'nowhere/concordat.db']) {
    const { code, err } = await run(['serve', '--listen', '127.0.0.1:0', '--store', `sqlite:${path}`], { directory });
    t.is(code, 1, path);
    t.true(err.startsWith(`error: store (sqlite:${path}): expected a store that can be opened`), err);
  }
});

test('the commands find the coordinator and their key in .env too, and the environment wins', async (t) => {
  const directory = folder(t);
  const { first } = await startServe(t, [], { directory, env: { CONCORDAT_API_KEYS: 'ops:viewer:k1' } });
  writeFileSync(join(directory, '.env'), `CONCORDAT_URL=${first.listening}\nCONCORDAT_API_KEY=k1\n`);
  t.is((await run(['tx', 'list'], { directory })).out, 'no transactions\n');
  t.regex((await run(['tx', 'list'], { directory, env: { CONCORDAT_API_KEY: 'k2' } })).err, /unauthorized/);
});

test('keys from a file are needed once they are there', async (t) => {
  const directory = folder(t);
  writeFileSync(join(directory, 'keys'), '# who may look\nops:viewer:k1\n\napp:client:k2\n');
  const { first } = await startServe(t, ['--api-keys-file', 'keys'], { directory });
  const list = (key: string) =>
    run(['tx', 'list', '--url', first.listening], { directory, env: { CONCORDAT_API_KEY: key } });
  t.is((await list('k1')).code, 0);
  t.is((await list('k3')).code, 1);
  t.is((await list('')).code, 1);
});

test('the first line is JSON and the only one; logs go to standard error', async (t) => {
  const directory = folder(t);
  const { first, child, err, stop } = await startServe(t, [], { directory });
  let more = '';
  child.stdout?.on('data', (chunk) => (more += chunk));
  t.regex(first.listening, /^http:\/\/127\.0\.0\.1:\d+$/);
  await fetch(`${first.listening}/healthz`);
  await stop();
  t.is(more, '');
  for (const line of err().trim().split('\n')) t.is(typeof JSON.parse(line).msg, 'string');
});
