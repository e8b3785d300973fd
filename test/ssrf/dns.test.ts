/** Names that are listed and lead, or are led, where no name may lead; and participants that ask to be left for there. */
import type { LookupAddress } from 'node:dns';
import test, { type ExecutionContext } from 'ava';
import { checkedLookup } from '../../coordinator/dispatch/lookup.js';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { command, plant } from '../dispatch/participants.js';
import { type DnsCase, dnsCases, lures, rebindingCases, rebound } from './corpus.js';
import { dnsOf, type Sinks, startSinks, wayOut } from './sinks.js';
import { fine } from './spellings.js';

const errorOf = (reply: Reply): string => (reply.kind === 'unknown' ? reply.error : `not unknown but ${reply.kind}`);

/** Everything that the names of these tests need. */
const listFor = ({ port }: Sinks): readonly string[] => [`http://*.pay.example:${port}`];

test('a listed name that leads to a forbidden address is not connected to, whatever else it leads to', async (t) => {
  const sinks = await startSinks(t);
  for (const { title, name, answers } of dnsCases) {
    const dns = dnsOf(answers);
    const reply = await wayOut(t, listFor(sinks), dns).send(command(`http://${name}:${sinks.port}/pay`));
    t.regex(errorOf(reply), / leads to .*: expected |has no address/, title);
    t.is(dns.asked(), 1, title);
  }
  t.deepEqual([sinks.reached, sinks.heads], [[], []]);
});

/** What each of three commands became, with a new connection for each. */
async function thrice(t: ExecutionContext, sinks: Sinks, { name, answers }: DnsCase): Promise<readonly Reply[]> {
  const out = wayOut(t, listFor(sinks), dnsOf(answers));
  const replies: Reply[] = [];
  for (let nth = 0; nth < 3; nth++) replies.push(await out.send(command(`http://${name}:${sinks.port}/`)));
  return replies;
}

test('a name that is good when it is checked and leads elsewhere a moment later gets nothing there', async (t) => {
  const sinks = await startSinks(t);
  for (const each of rebindingCases) {
    const [first, second] = await thrice(t, sinks, each);
    t.is(first?.kind, 'done', each.title);
    t.regex(errorOf(second as Reply), /localhost leads to .*: expected a loopback address/, each.title);
    t.deepEqual(sinks.reached, [], each.title);
  }
});

test.serial('without the pin, a name that is bound anew would reach a sink', async (t) => {
  plant(t, 'dns-not-pinned');
  for (const address of rebound.filter((each) => !each.includes(':'))) {
    const sinks = await startSinks(t);
    await thrice(t, sinks, { title: address, name: 'localhost', answers: [['127.0.0.3'], [address]] });
    t.deepEqual(sinks.reached, ['127.0.0.1'], address);
  }
});

test.serial('without the check, a listed name would reach a sink', async (t) => {
  plant(t, 'names-lead-anywhere');
  for (const address of ['127.0.0.2', '::ffff:127.0.0.2']) {
    const sinks = await startSinks(t);
    const out = wayOut(t, listFor(sinks), dnsOf([[address]]));
    t.is((await out.send(command(`http://a.pay.example:${sinks.port}/`))).kind, 'done');
    t.deepEqual(sinks.reached, ['127.0.0.2'], address);
  }
});

/** What the lookup of a connection gives. */
const looked = (name: string, answers: readonly string[], all: boolean): Promise<string | readonly LookupAddress[]> =>
  new Promise((resolve, reject) => {
    const lookup = checkedLookup(dnsOf([answers]).resolve);
    lookup(name, { all }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });

test('names may lead to public addresses and to private networks', async (t) => {
  for (const address of fine) t.is(await looked('a.pay.example', [address], false), address);
  const all = (await looked('a.pay.example', fine, true)) as readonly LookupAddress[];
  t.deepEqual(
    all.map(({ address }) => address),
    [...fine],
  );
});

test('localhost leads to this machine, whatever its case and final dot', async (t) => {
  for (const name of ['localhost', 'LOCALHOST', 'localhost.']) {
    for (const address of ['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1']) {
      t.is(await looked(name, [address], false), address);
    }
    await t.throwsAsync(looked(name, ['10.0.0.5'], true), { message: /leads to 10\.0\.0\.5/ });
  }
});

test('K4 a participant that names another place is not left for it', async (t) => {
  for (const [status, header] of lures) {
    let written = '';
    const sinks = await startSinks(t, () => written);
    const there = header.replaceAll('@', `127.0.0.2:${sinks.port}`);
    const length = status === 304 ? '' : 'content-length: 2\r\n';
    written = `HTTP/1.1 ${status} X\r\n${there}\r\ncontent-type: application/json\r\nconnection: close\r\n${length}\r\n${status === 304 ? '' : '{}'}`;
    const out = wayOut(t, []);
    for (let nth = 0; nth < 2; nth++) {
      const reply = await out.send(command(`http://127.0.0.3:${sinks.port}/`));
      t.is(reply.kind, status === 200 ? 'done' : 'unknown', `${status} ${header}`);
    }
    t.deepEqual(sinks.reached, [], `${status} ${header}`);
    t.is(sinks.heads.length, 2);
  }
});

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];

test.serial('a proxy that the environment names is not used', async (t) => {
  const sinks = await startSinks(t);
  for (const name of [...proxyNames, 'NODE_USE_ENV_PROXY', 'npm_config_proxy']) {
    const before = process.env[name];
    t.teardown(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
    process.env[name] = name.startsWith('NODE') ? '1' : `http://127.0.0.2:${sinks.port}`;
  }
  for (const host of ['127.0.0.3', 'localhost']) {
    const reply = await wayOut(t, [], dnsOf([['127.0.0.3']])).send(command(`http://${host}:${sinks.port}/`));
    t.is(reply.kind, 'done');
  }
  t.deepEqual(sinks.reached, []);
});
