import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Screen } from '../../coordinator/cli/screen.js';
import { watchedLines } from '../../coordinator/cli/watched.js';
import { connect } from '../../sdk/index.js';
import { at, branchView, now, transactionView, waiting } from './explaining.js';
import { begin, folder, run, startServe } from './processes.js';

/** A participant that answers with that status. */
async function participant(t: ExecutionContext, status: number): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response
      .writeHead(status, { 'content-type': status === 409 ? 'application/problem+json' : 'application/json' })
      .end('{"detail":"sold out"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a transaction is watched to its end: 0 when it took effect, 1 when it did not or waits for a person', async (t) => {
  const directory = folder(t);
  const { first } = await startServe(t, [], { directory });
  const env = { CONCORDAT_URL: first.listening };
  const client = connect({ url: first.listening });
  t.teardown(() => client.close());
  const [yes, no] = [await participant(t, 200), await participant(t, 409)];
  const cases = [
    [
      'committed',
      [{ id: 'a', kind: 'saga', url: yes }],
      0,
      /'a' .* took effect\n.*commit was decided\n.*ended: committed\n$/,
    ],
    ['rolled back', [{ id: 'a', kind: 'saga', url: no }], 1, /'a' .* said no: sold out\n.*rollback was decided/],
    [
      'parked',
      [
        { id: 'a', kind: 'saga', url: yes, pivot: true },
        { id: 'b', kind: 'saga', url: no },
      ],
      1,
      /stopped: only a person can move it from here\n$/,
    ],
  ] as const;
  await Promise.all(
    cases.map(async ([name, steps, code, text]) => {
      const { xid } = await client.submit({ name: 'checkout', steps: steps as never });
      const watched = await run(['tx', 'watch', xid], { directory, env });
      t.is(watched.code, code, `${name}: ${watched.err}`);
      t.regex(watched.out, text, name);
      if (name !== 'committed') return;
      const json = await run(['tx', 'watch', xid, '--json'], { directory, env });
      const events = json.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).type);
      t.deepEqual([events[0], events.at(-1)], ['opened', 'ended']);
    }),
  );
});

test('a coordinator that restarts is waited for, and nothing is missed', async (t) => {
  const directory = folder(t);
  const before = await startServe(t, [], { directory });
  const listen = new URL(before.first.listening).host;
  const client = connect({ url: before.first.listening });
  t.teardown(() => client.close());
  await client.open({ name: 'checkout', xid: 'x1' });
  const watching = begin(['tx', 'watch', 'x1', '--json', '--url', before.first.listening], { directory });
  await watching.says(/"opened"/);
  before.child.kill('SIGKILL');
  await watching.says(/connecting again/);
  await startServe(t, ['--listen', listen], { directory });
  await client.commit('x1');
  const { code, out } = await watching.ended;
  t.is(code, 0);
  const types = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).type);
  t.deepEqual(
    types.filter((type: string) => type !== 'adopted'),
    ['opened', 'closed', 'decided', 'ended'],
  );
});

test('without an xid every change is a line, until Ctrl-C', async (t) => {
  const directory = folder(t);
  const { first } = await startServe(t, [], { directory });
  const client = connect({ url: first.listening });
  t.teardown(() => client.close());
  const watching = begin(['tx', 'watch', '--json', '--url', first.listening], { directory });
  // It tells of what comes after it began: until it has, one more is opened.
  const opening = setInterval(() => void client.open({ name: 'checkout' }), 200);
  t.teardown(() => clearInterval(opening));
  await watching.says(/"status":"active"/);
  clearInterval(opening);
  watching.child.kill('SIGINT');
  const { code, err, out } = await watching.ended;
  t.is(code, 130);
  t.is(err, '');
  t.like(JSON.parse(out.split('\n')[0] ?? ''), { name: 'checkout', status: 'active' });
});

test('what a screen shows: each branch, how it stands, what is next', (t) => {
  const view = transactionView({
    deadlineAt: at(20),
    branches: [
      branchView({ status: 'retrying', lastError: 'gone \u001b[2J' }),
      branchView({ branch: 2, id: 'ship', status: 'waiting' }),
    ],
    waitingOn: [waiting({ dueAt: at(3) })],
  });
  const lines = watchedLines(view, now).split('\n');
  t.is(lines[0], 'order-1042  checkout  active');
  t.is(lines[1], 'deadline 2030-01-01T12:00:20.000Z (in 20 seconds)');
  t.regex(lines[4] ?? '', /^1 +pay +payment +retrying +1 +in 3 seconds +gone \[2J$/);
  t.regex(lines[5] ?? '', /^2 +ship +payment +waiting/);
});

test('a screen draws over what it drew, and cuts what does not fit', (t) => {
  const written: string[] = [];
  const screen = new Screen({ columns: 10, rows: 4, write: (text) => written.push(text) });
  screen.draw('a line that is too long\nb');
  screen.draw('1\n2\n3\n4\n5');
  t.deepEqual(written, ['\r\u001b[Ja line th\nb\n', '\u001b[2A\r\u001b[J1\n2\n… 3 more \n']);
});

test('a terminal that does not know its size is one of 80 columns and 24 rows', (t) => {
  const written: string[] = [];
  new Screen({ columns: 0, rows: 0, write: (text) => written.push(text) }).draw('a line\nb\nc');
  t.deepEqual(written, ['\r\u001b[Ja line\nb\nc\n']);
});
