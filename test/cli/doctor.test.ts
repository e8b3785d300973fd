import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { clockOf } from '../../coordinator/cli/doctor/clocks.js';
import { lookAtNode } from '../../coordinator/cli/doctor/configuration.js';
import type { Finding } from '../../coordinator/cli/doctor/finding.js';
import { schemaOfFile } from '../../coordinator/store/sqlite/inspect.js';
import { openSqliteStore } from '../../coordinator/store/sqlite/store.js';
import { chance, sampleAppend, sampleSummary } from '../store/sample.js';
import { execute, takeBack } from './old-store.js';
import { folder, run, startServe } from './processes.js';

const nowhere = { CONCORDAT_URL: 'http://127.0.0.1:1' };

async function doctor(directory: string, env: Record<string, string>, ...args: string[]) {
  const { code, out, err } = await run(['doctor', '--json', ...args], { directory, env });
  const { findings } = (out === '' ? { findings: [] } : JSON.parse(out)) as { readonly findings: readonly Finding[] };
  return {
    code,
    err,
    findings,
    problems: findings.filter(({ level }) => level === 'problem'),
    text: findings.map(({ text }) => text).join('\n'),
  };
}

test('where all is well it says so, looks at everything, and ends with 0', async (t) => {
  const directory = folder(t);
  const { first } = await startServe(t, [], { directory });
  const { code, findings, text } = await doctor(
    directory,
    { CONCORDAT_URL: first.listening },
    '--store',
    'sqlite:test.db',
  );
  t.deepEqual(
    findings.filter(({ level, text }) => level !== 'ok' && !text.startsWith('a write reaches the disk')),
    [],
  );
  t.is(code, 0);
  for (const part of [
    /^Node /m,
    /free in /,
    /reaches the disk in/,
    /^schema \d/m,
    /no damage found/,
    /answers at http/,
    /ready: its store/,
    /clock of the coordinator agrees/,
    /may do what an operator does/,
    /none is registered/,
    /none is parked/,
  ])
    t.regex(text, part);
  const people = await run(['doctor', '--store', 'sqlite:test.db', '--url', first.listening], { directory });
  t.regex(people.out, /^ok +program +Node .*\n(.*\n)+\n(nothing to mend|0 to mend, 1 to look at)\n$/);
});

test('without a coordinator it tells what the store says, and changes nothing of it', async (t) => {
  const directory = folder(t);
  const path = join(directory, 'concordat.db');
  const store = await openSqliteStore({ path, chance });
  await store.append(sampleAppend('x1', { summary: sampleSummary({ status: 'parked', openedAt: 1000 }) }));
  await store.close();
  await takeBack(path, 2);
  const before = readFileSync(path);
  const { code, findings, text, problems } = await doctor(directory, nowhere);
  t.is(code, 1);
  t.deepEqual(
    problems.map(({ about }) => about),
    ['store', 'coordinator'],
  );
  t.regex(text, /schema 2, this version needs \d/);
  t.regex(text, /none answers at http:\/\/127\.0\.0\.1:1: /);
  t.true(
    findings.some(
      ({ level, text, mend }) => level === 'warning' && text.startsWith('1 parked') && mend?.includes('explain XID'),
    ),
  );
  t.regex(text, /1 unfinished, the oldest for \d+ days/);
  t.deepEqual(readFileSync(path), before);
  t.is((await schemaOfFile(path))?.version, 2);
});

test('A14 G7 stores that must not be used are told with what to do, and so is one that is not there', async (t) => {
  const cases: readonly (readonly [string | undefined, RegExp])[] = [
    [`update meta set value = '99' where key = 'schema'`, /written by a newer version \(schema 99/],
    ['delete from migrations', /left by a migration that did not finish/],
    [undefined, /there is no store at/],
  ];
  await Promise.all(
    cases.map(async ([statement, message]) => {
      const directory = folder(t);
      if (statement !== undefined) {
        await (await openSqliteStore({ path: join(directory, 'concordat.db'), chance })).close();
        await execute(join(directory, 'concordat.db'), statement);
      }
      const { text } = await doctor(directory, nowhere);
      t.regex(text, message);
    }),
  );
  const directory = folder(t);
  writeFileSync(
    join(directory, 'concordat.db'),
    'Dear Ann, this is no database, and it is longer than a header of one.',
  );
  t.regex((await doctor(directory, nowhere)).text, /concordat\.db cannot be read: .*file is not a database/);
});

test('a key is told with its role, and a wrong one as such', async (t) => {
  const directory = folder(t);
  const env = { CONCORDAT_API_KEYS: 'eve:viewer:k1,app:client:k2,ops:operator:k3' };
  const { first } = await startServe(t, [], { directory, env });
  const told = async (key: string) =>
    (await doctor(directory, { CONCORDAT_URL: first.listening, ...(key && { CONCORDAT_API_KEY: key }) }, '--remote'))
      .text;
  t.regex(await told('k1'), /this key is of a viewer/);
  t.regex(await told('k2'), /this key is of a client/);
  t.regex(await told('k3'), /this key may do what an operator does/);
  t.regex(await told('k4'), /this key, it lets nobody in/);
  t.regex(await told(''), /without a key, it lets nobody in/);
});

test('settings that serve does not start with are told, with what was expected', async (t) => {
  const directory = folder(t);
  const told = async (env: Record<string, string>) => (await doctor(directory, { ...nowhere, ...env })).text;
  t.regex(
    await told({ CONCORDAT_LISTEN: '0.0.0.0:8090' }),
    /listen .*: expected a loopback address, as there are no API keys/,
  );
  t.regex(
    await told({ CONCORDAT_LISTEN: '0.0.0.0:8090', CONCORDAT_INSECURE: 'true' }),
    /without API keys: whoever reaches it may do everything/,
  );
  t.regex(await told({ CONCORDAT_ALLOW: 'example.com' }), /expected an origin such as/);
});

test('F8 clocks that differ are told before signatures are refused for it', (t) => {
  const levels = [0, -4000, 6000, -299_000, 400_000].map((ms) => clockOf('participants', 'payment', ms)[0]?.level);
  t.deepEqual(levels, ['ok', 'ok', 'warning', 'problem', 'problem']);
  t.deepEqual(clockOf('participants', 'payment', null), []);
});

test('an old Node is a problem', (t) => {
  t.deepEqual(
    ['18.20.0', '20.18.9', '20.19.0', '24.1.0'].map((version) => lookAtNode(version).level),
    ['problem', 'problem', 'ok', 'ok'],
  );
});

/** Registers an instance of `payment` that answers as that server does. */
async function register(
  t: ExecutionContext,
  coordinator: string,
  answer: (path: string, headers: object) => number,
): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response
      .writeHead(answer(request.url ?? '', request.headers), { 'content-type': 'application/json' })
      .end('{"detail":"of another secret"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await fetch(`${coordinator}/v1/participants/payment/instances/p1`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      url,
      handlers: [{ name: 'charge', kind: 'saga' }],
      sdk: 'test 1',
      batch: true,
      ttlMs: 60_000,
    }),
  });
  return url;
}

test('a participant is asked whether it answers and takes what is signed here', async (t) => {
  const directory = folder(t);
  const { first } = await startServe(t, [], { directory });
  const url = first.listening;
  const secret = { CONCORDAT_SIGNING_SECRET: `whsec_${Buffer.alloc(32, 1).toString('base64')}` };
  const told = async (env: Record<string, string> = {}) =>
    await doctor(directory, { CONCORDAT_URL: url, ...env }, '--store', 'sqlite:test.db');
  t.regex((await told()).text, /none is registered/);
  let status = 200;
  const signed: boolean[] = [];
  const at = await register(t, url, (path, headers) => {
    if (path === '/_batch') signed.push('webhook-signature' in headers);
    return path === '/healthz' ? 200 : status;
  });
  const plain = await told();
  t.is(plain.code, 0, plain.text);
  t.true(plain.text.includes(`payment at ${at} answers`));
  t.regex(plain.text, /takes commands that are not signed/);
  t.regex((await told(secret)).text, /takes what this signing secret signed/);
  status = 401;
  const refused = await told(secret);
  t.is(refused.code, 1);
  t.regex(refused.text, /refuses what this signing secret signed: of another secret/);
  t.deepEqual(signed, [false, true, true]);
});

test('a participant that is registered and does not answer is a problem', async (t) => {
  const directory = folder(t);
  const { first } = await startServe(t, [], { directory });
  await fetch(`${first.listening}/v1/participants/payment/instances/p1`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      url: 'http://127.0.0.1:1',
      handlers: [{ name: 'charge', kind: 'saga' }],
      sdk: 'test 1',
      ttlMs: 60_000,
    }),
  });
  const { code, problems } = await doctor(directory, { CONCORDAT_URL: first.listening }, '--store', 'sqlite:test.db');
  t.is(code, 1);
  t.regex(
    problems[0]?.text ?? '',
    /payment at http:\/\/127\.0\.0\.1:1 says that it is alive, and does not answer from here: /,
  );
});
