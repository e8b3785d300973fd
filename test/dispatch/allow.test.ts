import test from 'ava';
import { allowList } from '../../coordinator/dispatch/allow.js';
import { plant } from './participants.js';

const list = allowList(['https://api.example.com', 'http://10.0.0.5:8080', 'https://*.shop.example/']);

test('commands go to loopback by default, however it is written', (t) => {
  const none = allowList([]);
  for (const url of [
    'http://127.0.0.1',
    'http://127.9.8.7:81/pay',
    'https://localhost:8443/a/b',
    'http://LOCALHOST./x',
    'http://[::1]:9000',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f12:3456]/',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://017700000001/',
    'http://127.1/',
    'http://127.0.0.1./',
  ]) {
    t.is(none.check(url), undefined, url);
  }
});

test('commands go nowhere else by default, however it is written', (t) => {
  const none = allowList([]);
  for (const url of [
    'http://example.com/',
    'http://10.0.0.5:8080/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://0x0a.5/',
    'http://167772165/',
    'http://012.0.0.5/',
    'http://169.254.169.254/latest/meta-data',
    'http://0xa9fea9fe/',
    'http://[::ffff:10.0.0.5]/',
    'http://[::ffff:a00:5]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://128.0.0.1/',
    'http://127.0.0.1.example.com/',
    'http://localhost.example.com/',
    'http://notlocalhost/',
    'http://127.0.0.1@example.com/',
    'http://example.com\\@127.0.0.1/',
    'http://１28.0.0.1/',
  ]) {
    t.is(typeof none.check(url), 'string', url);
  }
  t.regex(none.check('http://example.com/x')!, /http:\/\/example\.com is not allowed.*CONCORDAT_ALLOW/);
});

test('a listed origin is its scheme, its host and its port', (t) => {
  for (const url of [
    'https://api.example.com/a',
    'https://API.example.com.:443/',
    'http://10.0.0.5:8080/x',
    'http://0xa.5:8080',
  ]) {
    t.is(list.check(url), undefined, url);
  }
  for (const url of [
    'http://api.example.com',
    'https://api.example.com:444',
    'https://example.com',
    'http://10.0.0.5',
    'https://api.example.com.evil.org',
  ]) {
    t.is(typeof list.check(url), 'string', url);
  }
});

test('a star stands for exactly the first label', (t) => {
  t.is(list.check('https://a.shop.example/x'), undefined);
  t.is(list.check('https://B-2.shop.example./'), undefined);
  for (const url of [
    'https://shop.example',
    'https://a.b.shop.example',
    'https://ashop.example',
    'http://a.shop.example',
    'https://.shop.example',
    'https://a.shop.example:8443',
  ]) {
    t.is(typeof list.check(url), 'string', url);
  }
});

test('only http and https, without credentials, query or fragment', (t) => {
  const flaws: [string, RegExp][] = [
    ['ftp://127.0.0.1/', /expected http or https, got ftp:/],
    ['file:///etc/passwd', /expected http or https/],
    ['unix:/var/run/x', /expected http or https/],
    ['http://user@127.0.0.1/', /without credentials/],
    ['http://:secret@127.0.0.1/', /without credentials/],
    ['http://127.0.0.1/#x', /without a fragment/],
    ['http://127.0.0.1/#', /without a fragment/],
    ['http://127.0.0.1/?a=1', /without a query/],
    ['http://127.0.0.1/?', /without a query/],
    ['127.0.0.1:80', /expected/],
    ['/pay', /expected a URL/],
    ['', /expected a URL/],
    ['http://256.0.0.1/', /expected a URL/],
  ];
  for (const [url, reason] of flaws) t.regex(list.check(url) ?? 'allowed', reason, url);
});

test('an entry that is not an origin is refused with what was expected and what came', (t) => {
  for (const entry of [
    'api.example.com',
    'https://api.example.com/path',
    'http://*',
    'https://*.*.com',
    'https://a.*.com',
    'https://a*.com',
    'ftp://a.b',
    'https://u:p@a.b',
    '*',
    '',
  ]) {
    t.throws(() => allowList([entry]), { message: /expected an origin.*got/ }, entry);
  }
});

test.serial('without the list, commands would go to any address', (t) => {
  plant(t, 'send-to-any-address');
  t.is(list.check('http://169.254.169.254/'), undefined);
});
