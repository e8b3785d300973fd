/** L6: keys and signing secrets change while transactions are under way, without a restart. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadConfig } from '../../coordinator/config.js';
import { signer } from '../../coordinator/dispatch/sign.js';
import { armed } from '../../coordinator/faults/armed.js';
import type { PlantedBug } from '../../coordinator/faults/faults.js';
import { run } from '../../coordinator/main.js';
import { httpServer, secretOf, signatureOf } from '../participant/hosting.js';

const [one, two] = [secretOf(1), secretOf(2)];
const firstKeys = 'kim:operator:key-of-kim\napp:client:key-of-app\n';

async function start(t: ExecutionContext, { keys = firstKeys, secrets = one.secret, extra = {} } = {}) {
  const directory = await mkdtemp(path.join(tmpdir(), 'concordat-rotation-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const files = { keys: path.join(directory, 'keys'), secrets: path.join(directory, 'secrets') };
  await writeFile(files.keys, keys);
  await writeFile(files.secrets, secrets);
  const flags = {
    listen: '127.0.0.1:0',
    store: `sqlite:${path.join(directory, 'store.db')}`,
    logLevel: 'silent',
    apiKeysFile: files.keys,
    signingSecretFile: files.secrets,
    ...extra,
  };
  const read = () => loadConfig({ flags, env: {}, directory });
  const running = await run(read(), read);
  t.teardown(() => running.stop());
  const ask = async (key: string, where: string, body?: object, headers = {}) => {
    const response = await fetch(running.url + where, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
    return { status: response.status, body: (await response.json()) as any };
  };
  return { files, running, ask };
}

const statusOf = async ({ ask }: Awaited<ReturnType<typeof start>>, key: string) =>
  (await ask(key, '/v1/transactions')).status;

test('L6 a new key works and a revoked one stops working as soon as they are read again', async (t) => {
  const started = await start(t);
  t.is(await statusOf(started, 'key-of-app'), 200);
  await writeFile(started.files.keys, 'kim:operator:key-of-kim\nshop:client:key-of-shop\n');
  started.running.reload();
  t.is(await statusOf(started, 'key-of-shop'), 200);
  t.is(await statusOf(started, 'key-of-app'), 401);
  t.is(await statusOf(started, 'key-of-kim'), 200);
});

test('L6 a file that is replaced is read without being told', async (t) => {
  const started = await start(t);
  await writeFile(`${started.files.keys}.new`, 'kim:viewer:key-of-kim\npat:operator:key-of-pat\n');
  await rename(`${started.files.keys}.new`, started.files.keys);
  while ((await statusOf(started, 'key-of-pat')) !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
  // A role that shrank holds at once, too.
  t.is((await started.ask('key-of-kim', '/v1/audit')).status, 403);
  const { items } = (await started.ask('key-of-pat', '/v1/audit?by=system')).body;
  t.is(items.length, 1);
  t.like(items[0], { action: 'reload_keys', detail: { added: ['pat'], removed: ['app'], changed: ['kim'] } });
  t.false(JSON.stringify(items).includes('key-of'));
});

const bad: Readonly<Record<string, string>> = {
  empty: '',
  'nothing but comments': '# none\n\n',
  'not keys': 'hello\n',
  'a role that is none': 'kim:king:key-of-kim\n',
  'one name twice': 'kim:operator:a\nkim:viewer:b\n',
  'one key under two names': 'kim:operator:same\npat:operator:same\n',
  'a name that records have for another': 'system:admin:key\n',
};

for (const [what, text] of Object.entries(bad)) {
  test(`L6 new keys that are ${what} change nothing: nobody is locked out, and the door stays shut`, async (t) => {
    const started = await start(t);
    await writeFile(started.files.keys, text);
    started.running.reload();
    t.is(await statusOf(started, 'key-of-app'), 200);
    t.is(await statusOf(started, 'same'), 401);
    t.is((await fetch(`${started.running.url}/v1/transactions`)).status, 401);
    t.is((await started.ask('key-of-kim', '/v1/audit')).body.items.length, 0);
  });
}

test('L6 a keys file that is gone changes nothing', async (t) => {
  const started = await start(t);
  await rm(started.files.keys);
  started.running.reload();
  t.is(await statusOf(started, 'key-of-app'), 200);
});

test('L6 signing secrets that are gone or wrong change nothing: no command goes unsigned', async (t) => {
  for (const secrets of ['', 'whsec_short']) {
    const started = await start(t);
    await writeFile(started.files.secrets, secrets);
    started.running.reload();
    const headers = await headersOfNext(t, started);
    t.true(headers.signature !== undefined && headers.isSignedWith(one.key), JSON.stringify(secrets));
  }
});

/** What a command that is sent now carries. */
async function headersOfNext(t: ExecutionContext, { ask }: Awaited<ReturnType<typeof start>>) {
  const seen: { signature: string | undefined; isSignedWith: (key: Buffer) => boolean }[] = [];
  const url = await httpServer(t, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const id = String(request.headers['webhook-id']);
    const at = Number(request.headers['webhook-timestamp']) * 1000;
    const signature = request.headers['webhook-signature'] as string | undefined;
    const isSignedWith = (key: Buffer) =>
      signature?.split(' ').includes(String(signatureOf(body, { key, id, at })['webhook-signature'])) ?? false;
    seen.push({ signature, isSignedWith });
    response.end();
  });
  const steps = [{ id: 'a', kind: 'saga', url }];
  const { body } = await ask('key-of-app', '/v1/transactions', { name: 'x', steps }, { prefer: 'wait=10' });
  t.is(body.status, 'committed');
  return seen[0]!;
}

test('L6 commands carry the signatures of every secret that is valid when they are sent', async (t) => {
  const started = await start(t);
  const expected: readonly (readonly [string, boolean, boolean])[] = [
    [one.secret, true, false],
    [`${one.secret} ${two.secret}`, true, true],
    [two.secret, false, true],
  ];
  for (const [secrets, byOne, byTwo] of expected) {
    await writeFile(started.files.secrets, secrets);
    started.running.reload();
    const { isSignedWith } = await headersOfNext(t, started);
    t.deepEqual([isSignedWith(one.key), isSignedWith(two.key)], [byOne, byTwo]);
  }
});

function planting(t: ExecutionContext, bug: PlantedBug): void {
  t.teardown(() => armed.planted.delete(bug));
  armed.planted.add(bug);
}

test.serial('planted keys-of-the-start: the tests above see it', async (t) => {
  planting(t, 'keys-of-the-start');
  const started = await start(t);
  await writeFile(started.files.keys, 'kim:operator:key-of-kim\n');
  started.running.reload();
  t.is(await statusOf(started, 'key-of-app'), 200);
});

test.serial('planted a-bad-file-opens-the-door: the tests above see it', async (t) => {
  const started = await start(t);
  planting(t, 'a-bad-file-opens-the-door');
  await writeFile(started.files.keys, '');
  started.running.reload();
  t.is((await fetch(`${started.running.url}/v1/transactions`)).status, 200);
});

test('two persons cannot be asked for where there are not two', async (t) => {
  const extra = { twoPersons: 'true' };
  await t.throwsAsync(start(t, { extra }), { message: /^twoPersons: expected API keys of at least two/ });
  const started = await start(t, { keys: 'kim:operator:key-of-kim\npat:admin:key-of-pat\n', extra });
  await writeFile(started.files.keys, 'kim:operator:key-of-kim\n');
  started.running.reload();
  t.is(await statusOf(started, 'key-of-pat'), 200);
});

test('secrets that are none are refused before any of them signs', (t) => {
  t.throws(() => signer([one.secret, 'whsec_x']), { message: /signing secret 2/ });
});
