/** Whatever a host answers to a batch: each command gets its own outcome or none, for every kind of branch. */
import type { ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { kindNames, opOf } from '../../sdk/protocol/kinds.js';
import { bodyOf, httpParticipant } from '../dispatch/participants.js';
import { registration, type Started, startCoordinator } from '../http/registering.js';

interface Item {
  readonly path: string;
  readonly body: { readonly xid: string };
}

interface Outcome {
  readonly status: number;
  readonly body: unknown;
}

/** What a command is answered that is done: its own transaction tells it from all others. */
const doneFor = ({ body: { xid } }: Item): Outcome => ({ status: 200, body: { good: xid } });

type Batch = (response: ServerResponse, items: readonly Item[]) => unknown;

const written =
  (type: string, of: (items: readonly Item[]) => unknown, status = 200): Batch =>
  (response, items) => {
    const said = of(items);
    response.writeHead(status, { 'content-type': type }).end(typeof said === 'string' ? said : JSON.stringify(said));
  };
const json = (of: (items: readonly Item[]) => unknown, status = 200): Batch => written('application/json', of, status);
const lines = (of: (items: readonly Item[]) => readonly unknown[]): Batch =>
  written('application/x-ndjson', (items) =>
    of(items)
      .map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
      .join(''),
  );

/** Nothing of these is wrong enough to lose an outcome that is plainly there, nor right enough to make one up. */
const answers: Readonly<Record<string, Batch>> = {
  'K1 nothing': json(() => ''),
  'K1 garbage': json(() => 'garbage'),
  'K1 HTML': written('text/html', () => '<h1>It works!</h1>'),
  'K1 an object of another world': json(() => ({ ok: true })),
  'K1 an array': json((items) => items.map(doneFor)),
  'K7 a __proto__ key': json(() => '{"__proto__":{"outcomes":[]}}'),
  'I1 one outcome too few': json((items) => ({ outcomes: items.slice(1).map(doneFor) })),
  'I1 one outcome too many': json((items) => ({ outcomes: [...items, ...items].map(doneFor) })),
  'K1 outcomes without a status': json((items) => ({ outcomes: items.map(() => ({ body: {} })) })),
  'K1 outcomes of null': json((items) => ({ outcomes: items.map(() => null) })),
  'K6 every outcome a 404': json((items) => ({ outcomes: items.map(() => ({ status: 404 })) })),
  'K6 every outcome a 409 that is no problem': json((items) => ({
    outcomes: items.map(() => ({ status: 409, body: { detail: 'no' } })),
  })),
  'K6 every outcome a 202 without Retry-After': json((items) => ({ outcomes: items.map(() => ({ status: 202 })) })),
  'K6 a whole batch of 409': written('application/problem+json', () => '{"detail":"no"}', 409),
  'K6 a whole batch of 500': json(() => ({}), 500),
  'K4 a redirect': (response) => response.writeHead(307, { location: '/elsewhere' }).end(),
  'C3 the last first': lines((items) => items.map((item, index) => ({ index, ...doneFor(item) })).reverse()),
  'C3 each twice, and then otherwise': lines((items) =>
    items.flatMap((item, index) => [
      { index, ...doneFor(item) },
      { index, status: 200, body: 'another' },
    ]),
  ),
  'C3 of others': lines((items) =>
    items.map((_item, index) => ({ index: index + items.length, status: 200, body: 1 })),
  ),
  'C3 a line of garbage between': lines((items) => [
    'garbage',
    ...items.map((item, index) => ({ index, ...doneFor(item) })),
  ]),
  'K2 lines without end': (response, items) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const line = `${JSON.stringify({ index: items.length, status: 200, body: 'x'.repeat(100_000) })}\n`;
    const go = (): void => {
      while (!response.destroyed && response.write(line));
    };
    response.on('drain', go);
    go();
  },
  'K2 a line without end': (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const go = (): void => {
      while (!response.destroyed && response.write(' '.repeat(65_536)));
    };
    response.on('drain', go);
    go();
  },
  'K2 a bomb': (response) =>
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('{}'),
  'K5 closed in the middle': (response, items) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100_000 });
    response.write(JSON.stringify({ outcomes: items.map(doneFor) }), () => response.destroy());
  },
  'K5 closed without a word': (response) => response.destroy(),
};

/** A host whose first batches are answered so; what comes alone or later is done. */
async function startHost(t: ExecutionContext, hostile: Batch): Promise<{ url: string; spoiled: () => number }> {
  let spoiled = 0;
  const url = await httpParticipant(t, async (request, response) => {
    const text = await bodyOf(request);
    response.on('error', () => undefined);
    const { commands, ...body } = JSON.parse(text);
    if (!commands) json(() => doneFor({ path: '', body } as Item).body)(response, []);
    else if (spoiled < 3) {
      spoiled++;
      await hostile(response, commands);
    } else json((items) => ({ outcomes: items.map(doneFor) }))(response, commands);
  });
  return { url, spoiled: () => spoiled };
}

/** Two transactions for each kind at once, so that their commands go together. */
async function runAll(coordinator: Started, name: string): Promise<readonly { xid: string; body: Ended }[]> {
  const all = kindNames.flatMap((kind) => [`${name}.${kind}.1`, `${name}.${kind}.2`].map((xid) => ({ xid, kind })));
  return Promise.all(
    all.map(async ({ xid, kind }) => {
      const step = {
        id: 'a',
        participant: name,
        handler: kind,
        ...(kind !== 'message' && { retry: { initialMs: 1 } }),
      };
      const body = { xid, name: 'batched', steps: [step], timeoutMs: 600_000 };
      return { xid, body: (await coordinator.ask('POST', '/v1/transactions', body, { prefer: 'wait=60' })).body };
    }),
  );
}

interface Ended {
  readonly status: string;
  readonly result: { readonly a?: unknown };
}

test('K1 K2 K4 K5 K6 K7 C3 whatever a host answers to a batch, every kind of branch ends with its own outcome', async (t) => {
  t.timeout(110_000);
  const coordinator = await startCoordinator(t, 'sqlite::memory:', { callMs: '30000' });
  for (const [index, [title, hostile]] of Object.entries(answers).entries()) {
    const host = await startHost(t, hostile);
    const name = `host${index}`;
    const handlers = kindNames.map((kind) => ({ name: kind, kind }));
    const more = { handlers, batch: true };
    await coordinator.ask('PUT', `/v1/participants/${name}/instances/one`, registration(host.url, more));
    for (const { xid, body } of await runAll(coordinator, name)) {
      t.is(body.status, 'committed', `${title}: ${xid}`);
      const kind = kindNames.find((each) => xid.includes(`.${each}.`));
      const hasForward = kind !== undefined && opOf(kind, 'forward') !== undefined;
      if (hasForward) t.deepEqual(body.result.a, { good: xid }, `${title}: ${xid}`);
    }
    t.true(host.spoiled() > 0, title);
  }
});
