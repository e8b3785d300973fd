/** No payload and no secret is in a line of the log or in an answer to somebody else, and a request's lines have its id. */
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import knexFactory, { type Knex } from 'knex';
import { tokenFor } from '../../coordinator/dispatch/token.js';
import { folder, type Serve, startServe } from '../cli/processes.js';
import { httpServer, secretOf } from '../participant/hosting.js';

const secrets = [secretOf(7).secret, secretOf(8).secret, secretOf(9).secret];
const planted = [
  'planted-key-of-kim',
  'planted-key-of-app',
  'planted-new-key',
  'planted-wrong-key',
  'planted-input',
  'planted-output',
  'planted-late',
  'planted-metadata',
  'planted-business',
  'planted-query',
  'planted-answer',
  'planted-user',
  'planted-password',
  'planted-in-url',
  'planted-in-the-log',
  ...secrets.map((secret) => secret.replace('whsec_', '')),
];

/** Answers by the path of the step. */
function participant(request: IncomingMessage, response: ServerResponse): void {
  const [, what] = (request.url ?? '').split('/');
  const text = (status: number, body: string, type = 'text/plain') =>
    response.writeHead(status, { 'content-type': type }).end(body);
  if (what === 'clock') text(401, 'timestamp planted-answer too old');
  else if (what === 'setup') text(404, 'planted-answer');
  else if (what === 'broken') text(500, 'planted-answer');
  else if (what === 'no') text(409, '{"detail":"planted-answer"}', 'application/problem+json');
  else if (what === 'late') response.writeHead(202, { 'retry-after': '60' }).end();
  else text(200, '{"card":"planted-output"}', 'application/json');
}

interface Asked {
  readonly status: number;
  readonly text: string;
}

function asking(serve: Serve, errors: string[]) {
  return async (path: string, body?: object, { key = 'planted-key-of-kim', id = '' } = {}): Promise<Asked> => {
    const response = await fetch(serve.first.listening + path, {
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${key}`,
        ...(id && { 'x-request-id': id }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 400) errors.push(text);
    return { status: response.status, text };
  };
}

/** Waits until the log says something. */
async function said(serve: Serve, message: string): Promise<void> {
  while (!serve.err().includes(message)) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Holds the only lock there is for writing, while `work` runs. */
async function whileLocked(db: Knex, work: () => Promise<void>): Promise<void> {
  await db.raw('begin immediate');
  await work();
  await db.raw('rollback');
}

async function start(t: ExecutionContext) {
  const directory = folder(t);
  const files = { keys: join(directory, 'keys'), secrets: join(directory, 'secrets') };
  writeFileSync(files.keys, 'kim:operator:planted-key-of-kim\napp:client:planted-key-of-app\n');
  writeFileSync(files.secrets, `${secrets[0]} ${secrets[1]}`);
  const args = ['--api-keys-file', files.keys, '--signing-secret-file', files.secrets, '--log-level', 'debug'];
  const serve = await startServe(t, [...args, '--sweep-ms', '200'], { directory });
  const errors: string[] = [];
  const connection = { filename: join(directory, 'test.db') };
  const db = knexFactory({ client: 'sqlite3', connection, useNullAsDefault: true, pool: { min: 1, max: 1 } });
  t.teardown(() => db.destroy());
  const { value: tokenKey } = await db('meta').where('key', 'token_key').first('value');
  const token = tokenFor(tokenKey, 'late', 1, 'action');
  return { files, serve, errors, db, tokenKey, token, ask: asking(serve, errors) };
}

type Started = Awaited<ReturnType<typeof start>>;

/** Participants that fail in every way, somebody else's xid, and what does not belong into a URL. */
async function requestsFail(t: ExecutionContext, { ask, serve, token }: Started): Promise<void> {
  const base = await httpServer(t, participant);
  const open = (xid: string, url: string) => {
    const input = { card: 'planted-input' };
    const about = { metadata: { iban: 'planted-metadata' }, businessKey: 'planted-business' };
    const steps = [{ id: 'a', kind: 'saga', url, input, retry: { attemptsMax: 3 } }];
    return ask('/v1/transactions', { name: 'x', xid, ...about, steps });
  };
  for (const what of ['clock', 'setup', 'broken', 'no', 'ok', 'late', 'odd']) await open(what, `${base}/${what}`);
  await said(serve, '"alarm":"clock"');
  await said(serve, '"alarm":"setup"');
  t.is((await ask('/v1/transactions', { name: 'other', xid: 'ok' })).status, 409);
  t.is((await open('u1', 'http://planted-user:planted-password@127.0.0.1:9/x')).status, 400);
  t.is((await open('u2', 'http://127.0.0.1:9/x?q=planted-in-url')).status, 400);
  t.is((await ask('/v1/transactions?businessKey=planted-query&limit=0')).status, 400);
  t.is((await ask('/v1/transactions', undefined, { key: 'planted-wrong-key' })).status, 401);
  t.is((await ask('/v1/audit', undefined, { key: 'planted-key-of-app' })).status, 403);
  const late = (outcome: object) =>
    ask('/v1/transactions/late/branches/1/outcome', { op: 'action', ...outcome }, { key: token, id: 'req-late' });
  t.is((await late({ outcome: 'done', output: 'planted-late' })).status, 200);
  t.is((await late({ outcome: 'refused', reason: 'planted-late' })).status, 409);
  await said(serve, 'contradiction');
}

/** Logs that were tampered with (an event of another version, and what is no JSON at all), and a store that is locked. */
async function storeFails(t: ExecutionContext, { ask, db }: Started): Promise<void> {
  const last = await db('log').where({ xid: 'odd' }).orderBy('seq', 'desc').first();
  const events = JSON.stringify([{ type: 'new-one', card: 'planted-in-the-log' }]);
  await db('log').insert({ ...last, seq: last.seq + 1, append: 'another', events, summary: null });
  t.is((await ask('/v1/transactions/odd', undefined, { id: 'req-odd' })).status, 500);
  await db('log').where({ xid: 'no', seq: 1 }).update({ events: 'planted-in-the-log' });
  t.is((await ask('/v1/transactions/no', undefined, { id: 'req-no' })).status, 500);
  await whileLocked(db, async () => {
    t.is((await ask('/v1/transactions', { name: 'planted-query' }, { id: 'req-locked' })).status, 503);
  });
}

async function secretsChange(t: ExecutionContext, { ask, serve, files }: Started): Promise<void> {
  writeFileSync(files.keys, 'kim:operator planted-new-key\n');
  serve.child.kill('SIGHUP');
  await said(serve, 'were not reloaded');
  writeFileSync(files.secrets, secrets[2]!);
  writeFileSync(files.keys, 'kim:operator:planted-key-of-kim\npat:admin:planted-new-key\n');
  serve.child.kill('SIGHUP');
  await said(serve, 'keys and secrets reloaded');
  t.is((await ask('/v1/transactions', undefined, { key: 'planted-new-key' })).status, 200);
}

test('L6 planted secrets and payloads are in no line of a log and in no error, whatever goes wrong', async (t) => {
  const started = await start(t);
  const { serve, errors, tokenKey, token } = started;
  await requestsFail(t, started);
  await storeFails(t, started);
  await secretsChange(t, started);
  t.is(await serve.stop(), 0);

  const log = serve.err();
  for (const message of ['listening', 'request failed', 'a log is corrupt', 'not taken into the log', 'stopped'])
    t.true(log.includes(message), message);
  for (const secret of [...planted, tokenKey, token]) {
    t.false(log.includes(secret), `${secret} is in the log`);
    t.false(errors.join('\n').includes(secret), `${secret} is in an answer`);
  }
  // Every line is JSON, and what belongs to a request says to which.
  const texts = log.trim().split('\n');
  const lines = texts.map((line) => JSON.parse(line));
  for (const { msg, requestId } of lines)
    if (msg === 'request failed' || msg === 'contradiction') t.regex(requestId, /^req-/, msg);
  // What no request brought has none.
  t.true(lines.some(({ msg, requestIds }) => msg === 'not taken into the log' && /^req-/.test(String(requestIds))));
});
