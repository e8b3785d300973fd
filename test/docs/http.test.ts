/** The examples of docs/http.md are typed in, section by section, and do what the page says. */
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Started, startCoordinator, tempStore } from '../http/registering.js';
import { root } from '../tidy/sources.js';
import { commandsOf, hasCurl, type Ran, runCommand, shellBlocksOf } from './shell.js';
import { type Mood, type Shop, startShop } from './shop.js';

interface Stage {
  readonly t: ExecutionContext;
  readonly shop: Shop;
  readonly coordinator: Started;
  readonly env: Record<string, string>;
  /** Types a command of the page. */
  type(command: string): Promise<Ran>;
  /** How a transaction stands when nothing more happens by itself. */
  atRest(xid: string): Promise<{ readonly [field: string]: unknown }>;
}

interface Scene {
  /** Of the coordinator. */
  readonly env?: Readonly<Record<string, string>>;
  readonly prepare?: (stage: Stage) => Promise<unknown>;
  /** Before a command that says this. */
  readonly before?: Readonly<Record<string, (stage: Stage) => Promise<unknown>>>;
  /** The statuses of the commands, in their order; 2xx where the page and this say nothing. */
  readonly statuses?: readonly number[];
  readonly check?: (stage: Stage, ran: readonly Ran[]) => Promise<unknown>;
}

const page = readFileSync(`${root}docs/http.md`, 'utf8');
const blocks = shellBlocksOf(page);
const openOrder = blocks[0]?.commands[0] ?? '';
const bodyOf = ({ output }: Ran | { output: '' } = { output: '' }) => JSON.parse(output.slice(output.indexOf('{')));
const all = ['order/action', 'payment/action', 'stock/confirm', 'stock/try'];

const stuck: Mood = (path) =>
  path === '/stock/confirm' ? { status: 409, body: { detail: 'the shelf is gone' } } : undefined;

const scenes: Readonly<Record<string, Scene>> = {
  'Open a transaction': {
    statuses: [201, 201, 201, 200, 409],
    async check({ t, shop, coordinator }, ran) {
      t.regex(ran[0]?.output ?? '', /^HTTP\/1\.1 201 Created\r\n[\s\S]*^location: \/v1\/transactions\/order-1042\r$/m);
      t.like(bodyOf(ran[0]), { xid: 'order-1042', status: 'committed', result: { order: { orderId: 7 } } });
      t.like(bodyOf(ran[3]), { xid: 'order-1043', status: 'committed' });
      t.is(bodyOf(ran[4]).code, 'already_decided');
      t.deepEqual([...shop.effects].sort(), [...all, 'stock/confirm', 'stock/try'].sort());
      t.is((await coordinator.ask('GET', '/v1/transactions')).body.items.length, 2);
    },
  },
  Look: {
    prepare: ({ type }) => type(openOrder),
    async check({ t }, [shown, events, list]) {
      t.like(bodyOf(shown), { xid: 'order-1042', status: 'committed' });
      t.is(bodyOf(events).items[0].type, 'opened');
      t.deepEqual(bodyOf(list).items, []);
    },
  },
  Watch: {
    prepare: ({ type }) => type(openOrder),
    async check({ t }, [one, every]) {
      t.regex(
        one?.output ?? '',
        /^retry: 1000\n\nid: 1\.0\nevent: opened\ndata: \{"seq":1,"index":0,[\s\S]*event: ended\n/,
      );
      t.regex(every?.output ?? '', /^retry: 1000\n\nid: \d+-[0-9a-f]{8}\n/);
    },
  },
  'Move what is stuck': {
    async prepare({ shop, type, atRest, t }) {
      shop.mood = (path) =>
        path === '/stock/confirm' ? { status: 409, body: { detail: 'the shelf is gone' } } : undefined;
      await type(openOrder);
      t.is((await atRest('order-1042')).status, 'parked');
    },
    before: { '/resolve': ({ atRest }) => atRest('order-1042') },
    async check({ t, atRest }, ran) {
      t.is(bodyOf(ran[0]).xid, 'order-1042');
      t.like(await atRest('order-1042'), { status: 'resolved', decision: 'commit', waitingOn: [] });
    },
  },
  'Late outcomes': {
    async prepare({ shop, type, env }) {
      shop.mood = (path) => (path === '/stock/try' ? { status: 202 } : undefined);
      await type(openOrder.replace('wait=10', 'wait=1'));
      env.TOKEN = shop.tokens.get('stock/try') ?? '';
    },
    async check({ t, atRest }) {
      t.like(await atRest('order-1042'), { status: 'committed', result: { stock: { reservation: 7 } } });
    },
  },
  Participants: {
    async check({ t }, ran) {
      t.like(bodyOf(ran[0]), { participant: 'payment', id: 'payment-7f3a' });
      const list = ran.find(({ command }) => command.endsWith('/v1/participants'));
      t.like(bodyOf(list).items[0], { name: 'payment', instances: [{ id: 'payment-7f3a', alive: false }] });
    },
  },
  'Keys and roles': {
    env: { CONCORDAT_API_KEYS: 'shop:client:a-key-of-the-shop' },
    async prepare({ env, type, t }) {
      t.is((await type('curl http://127.0.0.1:8090/v1/transactions')).status, 401);
      env.CONCORDAT_API_KEY = 'a-key-of-the-shop';
    },
  },
  Audit: {
    async prepare({ type, shop, atRest, coordinator }) {
      shop.mood = stuck;
      await type(openOrder);
      await coordinator.ask('POST', '/v1/transactions/order-1042/retry');
      await atRest('order-1042');
    },
    check: async ({ t }, [ran]) =>
      t.like(bodyOf(ran).items[0], { by: 'anonymous', action: 'retry', xid: 'order-1042' }),
  },
  Stats: {
    prepare: ({ type }) => type(openOrder),
    check: async ({ t }, [ran]) => t.like(bodyOf(ran), { transactions: { active: 0, committed: 1, parked: 0 } }),
  },
  Metrics: {
    prepare: ({ type }) => type(openOrder),
    check: async ({ t }, [ran]) =>
      t.regex(ran?.output ?? '', /^concordat_transactions_finished_total\{status="committed"\} 1$/m),
  },
  'The description': {
    check: async ({ t }, [ran]) => t.is(bodyOf(ran).openapi, '3.1.1'),
  },
};

for (const heading of new Set(blocks.map(({ under }) => under))) {
  const run = hasCurl() ? test : test.skip;
  run(`the examples under "${heading}" do what docs/http.md says`, async (t) => {
    const scene = scenes[heading] ?? {};
    const stage = await setStage(t, scene);
    await scene.prepare?.(stage);
    const ran: Ran[] = [];
    for (const command of blocks.filter(({ under }) => under === heading).flatMap(({ commands }) => commands)) {
      for (const [text, prepare] of Object.entries(scene.before ?? {}))
        if (command.includes(text)) await prepare(stage);
      const done = await stage.type(command);
      t.is(done.exitCode, 0, command);
      const expected = scene.statuses?.[ran.length];
      if (expected === undefined)
        t.true(done.status >= 200 && done.status < 300, `${command}\n${done.status} ${done.output}`);
      else t.is(done.status, expected, `${command}\n${done.output}`);
      ran.push(done);
    }
    await scene.check?.(stage, ran);
  });
}

async function setStage(t: ExecutionContext, { env: own = {} }: Scene): Promise<Stage> {
  const shop = await startShop(t);
  const coordinator = await startCoordinator(t, await tempStore(t), {}, own);
  const env: Record<string, string> = {};
  const here = (command: string): string =>
    command
      .replaceAll('http://127.0.0.1:8090', coordinator.url)
      .replaceAll(/http:\/\/127\.0\.0\.1:900(\d)/g, (_, port: string) => shop.urls[Number(port) - 1] ?? '');
  return {
    t,
    shop,
    coordinator,
    env,
    type: (command) => runCommand(here(command), env),
    atRest: async (xid) =>
      (await coordinator.ask('GET', `/v1/transactions/${xid}`, undefined, { prefer: 'wait=10' })).body,
  };
}

test('the examples of docs/http.md are run: curl is here, or nobody requires it', (t) => {
  const isRequired = (process.env.CONCORDAT_REQUIRE ?? '').split(',').includes('curl');
  if (!hasCurl()) t.log('curl is not found: the examples of docs/http.md are not run');
  t.true(hasCurl() || !isRequired, 'expected curl on the PATH, as CONCORDAT_REQUIRE says; install it');
});

test('every section that is staged is in the page, and commands are told apart', (t) => {
  const headings = blocks.map(({ under }) => under);
  for (const heading of Object.keys(scenes)) t.true(headings.includes(heading), heading);
  t.deepEqual(commandsOf(`a 'two\nlines' # it's\n# or "that\nb \\\n  c\n`), [`a 'two\nlines'`, 'b \\\n  c']);
});
