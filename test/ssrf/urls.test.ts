/** URLs that lead where commands must not go: refused when they are given, and again when something would be sent. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import test, { type ExecutionContext } from 'ava';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import { instance, registryOn } from '../dispatch/instances.js';
import { command, plant, transport } from '../dispatch/participants.js';
import { startServing } from '../http/serving.js';
import { dnsCases, lures, rebindingCases, urlCases } from './corpus.js';
import { dnsOf, startSinks, wayOut } from './sinks.js';

/** Hosts that somebody in this process began to connect to. */
function connects(t: ExecutionContext): readonly string[] {
  const hosts: string[] = [];
  const note = (message: unknown): void => {
    hosts.push((message as { connectParams: { host: string } }).connectParams.host);
  };
  subscribe('undici:client:beforeConnect', note);
  t.teardown(() => unsubscribe('undici:client:beforeConnect', note));
  return hosts;
}

const errorOf = (reply: Reply): string => (reply.kind === 'unknown' ? reply.error : `not unknown but ${reply.kind}`);

test('the corpus has more than 500 cases, each once', (t) => {
  const urls = urlCases(8080);
  const all = [...urls.map(({ url, allow }) => `${allow.length} ${url}`), ...dnsCases, ...rebindingCases, ...lures];
  t.true(all.length >= 1000, `${all.length} cases`);
  t.true(new Set(all.map((each) => JSON.stringify(each))).size >= 1000);
});

test.serial('nothing is sent to a URL that is not on the list, however it is written', async (t) => {
  const sinks = await startSinks(t);
  const hosts = connects(t);
  for (const { title, url, allow } of urlCases(sinks.port)) {
    const dns = dnsOf([['127.0.0.3']]);
    const reply = await wayOut(t, allow, dns).send(command(url));
    t.regex(errorOf(reply), /^not sent: (?:expected|\S+ is not allowed)/, title);
    t.is(dns.asked(), 0, title);
  }
  t.deepEqual(hosts, []);
  t.deepEqual([sinks.reached, sinks.heads], [[], []]);
});

test.serial(
  'none of them is taken as the URL of a step, a branch, a check or an instance, and nothing is stored',
  async (t) => {
    const allow = [...new Set(urlCases(1).flatMap((each) => each.allow))].join(',');
    const serving = await startServing(t, { flags: { allow } });
    const { body: open } = await serving.post('/v1/transactions', { name: 'open' });
    const branches = `/v1/transactions/${open.xid}/branches`;
    const put = (path: string, body: unknown) =>
      serving.request(path, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    for (const { title, url } of urlCases(4567)) {
      const step = { id: 'a', kind: 'saga', url };
      const answers = await Promise.all([
        serving.post('/v1/transactions', { name: 'x', steps: [step] }),
        serving.post('/v1/transactions', { name: 'x', onTimeout: 'ask', check: { url } }),
        serving.post(branches, step),
        put('/v1/participants/stock/instances/one', { url, handlers: [], sdk: 'x', ttlMs: 5000 }),
      ]);
      const pointers = ['/steps/0/url', '/check/url', '/url', '/url'];
      for (const [nth, { status, body }] of answers.entries()) {
        t.is(status, 400, title);
        t.is(body.errors?.[0]?.pointer, pointers[nth], title);
      }
    }
    t.is(await serving.stored(), 1);
    t.deepEqual(await serving.store.instances(), []);
    t.is((await serving.get(`/v1/transactions/${open.xid}`)).body.branches.length, 0);
  },
);

test('an instance that registered when its place was on the list gets nothing once it is not', async (t) => {
  const sinks = await startSinks(t);
  for (const [index, batch] of [true, false].entries()) {
    const { registry } = registryOn();
    const url = `http://10.0.0.${5 + index}:${sinks.port}/`;
    await registry.register(instance({ url, batch }));
    const reply = await transport(t, { registry }).send(command({ participant: 'stock', handler: 'reserve' }));
    t.regex(errorOf(reply), /^not sent: http:\/\/10\.0\.0\.\d:\d+ is not allowed/);
  }
  t.deepEqual(sinks.reached, []);
});

test('whatever a URL says, its request has one line, one host and no header of its own', async (t) => {
  const sinks = await startSinks(t);
  const base = `http://127.0.0.3:${sinks.port}`;
  for (const path of [
    '/a\r\nx-evil: 1\r\n\r\nGET /evil HTTP/1.1',
    '/a%0d%0ax-evil:%201',
    '/a HTTP/1.1',
    '/a\thost: evil',
    '/\\evil.example/x',
    '//evil.example/x',
    '/http://evil.example/',
    '/../../evil',
    '/%2e%2e/evil',
    '/a;host=evil',
    '/é\u{1f4a3}\ud800',
  ]) {
    const before = sinks.heads.length;
    t.is((await wayOut(t, []).send(command(base + path))).kind, 'done', path);
    const [line = '', ...headers] = sinks.heads[before]?.split('\r\n') ?? [];
    t.regex(line, /^POST \/[!-~]* HTTP\/1\.1$/, path);
    t.deepEqual(
      headers.filter((header) => /^host:/i.test(header)),
      [`host: 127.0.0.3:${sinks.port}`],
    );
    t.false(headers.some((header) => /^x-evil/i.test(header)));
  }
  t.deepEqual(sinks.reached, []);
});

test.serial('without the list, a URL would reach a sink', async (t) => {
  const sinks = await startSinks(t);
  const dns = dnsOf([['127.0.0.2']]);
  plant(t, 'send-to-any-address');
  plant(t, 'names-lead-anywhere');
  t.is((await wayOut(t, [], dns).send(command(`http://evil.example:${sinks.port}/`))).kind, 'done');
  t.deepEqual(sinks.reached, ['127.0.0.2']);
});
