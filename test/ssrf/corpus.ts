/** What somebody could try to make the coordinator send where it must not: URLs, answers of DNS, answers of participants. */
import { fine, forbidden4, forbidden6, foreign4, spellings4, wraps6 } from './spellings.js';

export interface UrlCase {
  readonly title: string;
  readonly url: string;
  readonly allow: readonly string[];
}

export interface DnsCase {
  readonly title: string;
  /** Names that end in `.pay.example` are listed, and `localhost` always is. */
  readonly name: string;
  /** What DNS answers the first time, the second time, and so on; the last one from then on. */
  readonly answers: readonly (readonly string[])[];
}

const none: readonly string[] = Object.freeze([]);

const addresses = (port: number): readonly UrlCase[] =>
  [
    ...foreign4.flatMap((address) => [
      ...Object.entries(spellings4(address)).map(([how, host]) => ({ title: `${address}, ${how}`, host })),
      ...Object.entries(wraps6(address)).map(([how, host]) => ({ title: `${address}, ${how}`, host: `[${host}]` })),
    ]),
    ...Object.entries(wraps6('127.0.0.1')).flatMap(([how, host]) =>
      // What the kernel itself takes for loopback is loopback.
      how.startsWith('mapped') ? [] : [{ title: `127.0.0.1, ${how}`, host: `[${host}]` }],
    ),
    ...forbidden6
      .filter((address) => !/^(?:::1|0:0:0:0:0:0:0:1)$/.test(address))
      .map((address) => ({ title: address, host: `[${address.replace('%', '%25')}]` })),
    ...['[::1%25lo]', '[::1%lo]', '[fe80::1%25eth0]', '[fc00::1]', '[fd12:3456::1]', '[2001:db8::1]'].map((host) => ({
      title: host,
      host,
    })),
  ].map(({ title, host }) => ({ title, url: `http://${host}:${port}/pay`, allow: none }));

/** `PORT` stands for the port of the sinks. */
const tricks = [
  'http://127.0.0.1:PORT@evil.example/',
  'http://127.0.0.1@evil.example:PORT/',
  'http://evil.example\\@127.0.0.1:PORT/',
  'http://evil.example\\127.0.0.1:PORT/',
  'http:\\\\evil.example\\127.0.0.1',
  'http://evil.example:PORT\\@127.0.0.1/',
  'http:/evil.example/',
  'http:evil.example',
  'http:///evil.example/',
  'http:////evil.example/',
  'http://127.0.0.1.evil.example:PORT/',
  'http://localhost.evil.example:PORT/',
  'http://127-0-0-1.evil.example:PORT/',
  'http://127.0.0.1.nip.io:PORT/',
  'http://localtest.me:PORT/',
  'http://localhost.localdomain:PORT/',
  'http://localhost4:PORT/',
  'http://ip6-localhost:PORT/',
  'http://loopback:PORT/',
  'http://foo.localhost:PORT/',
  'http://localhost..:PORT/',
  'http://.localhost:PORT/',
  'http://localhost%2eevil.example:PORT/',
  'http://localhost%00.evil.example:PORT/',
  'http://localhost\u0000.evil.example:PORT/',
  'http://localhost%23.evil.example:PORT/',
  'http://evil.example#@127.0.0.1:PORT/',
  'http://evil.example?@127.0.0.1:PORT/',
  'http://evil.example/@127.0.0.1:PORT/',
  'http://evil.example:80#127.0.0.1/',
  'http://evil.example%2f@127.0.0.1:PORT/',
  'http://127.0.0.1:PORT#@evil.example/',
  'http://127.0.0.1:PORT?x',
  'http://127.0.0.1:PORT/?url=http://evil.example',
  'http://user:secret@127.0.0.1:PORT/',
  'http://@127.0.0.1@evil.example/',
  'http://127.0.0.1:99999/',
  'http://127.0.0.1:-1/',
  'http://127.0.0.1: @/',
  'http://127.0.0.1:80:PORT/',
  'http://[127.0.0.1]:PORT/',
  'http://[::1/',
  'http://::1:PORT/',
  'http://[::1]evil.example:PORT/',
  'http://[::1].evil.example:PORT/',
  'http://[0::0::1]:PORT/',
  'http://256.0.0.1/',
  'http://127.0.0.256/',
  'http://127.0.0.1.1/',
  'http://0x100000000/',
  'http://4294967296/',
  'http://1.2.3.4.5/',
  'http://127.0.0.0x100/',
  'http://128.1/',
  'http://126.255.255.255/',
  'http://１28.0.0.1/',
  'http://evil。example/',
  'http://evil%E3%80%82example/',
  'http://ⓔⓥⓘⓛ.example/',
  'http://evil.ⓔxample/',
  'http://ſ.example/',
  'http://xn--/',
  'http://exa mple/',
  'http://ex<ample/',
  'http://*/',
  'http://*.localhost/',
  'http://$(id)/',
  'http:// evil.example/',
  '\u0000http://evil.example/',
  ' http://evil.example/ ',
  'ht\ntp://ev\til.example/',
  '//evil.example/',
  '/\\evil.example/',
  'evil.example:80',
  '127.0.0.1:80',
  'https://evil.example:PORT/',
  'http://metadata.google.internal/computeMetadata/v1/',
  'http://metadata/latest/',
  'http://instance-data/latest/',
  'http://host.docker.internal:PORT/',
  'http://kubernetes.default.svc/',
] as const;

const schemes =
  'ftp file gopher dict ldap ldaps tftp sftp ssh telnet smtp imap jar netdoc javascript data blob ws wss unix about mailto http+unix httpx'.split(
    ' ',
  );

/** Near misses of what is listed. */
const listed = ['http://pay.example:8080', 'https://*.shop.example', 'http://10.0.0.5:8080', 'https://bücher.example'];
const misses = [
  'http://pay.example/',
  'http://pay.example:80/',
  'http://pay.example:8081/',
  'https://pay.example:8080/',
  'http://pay.example.:8081/',
  'http://pay.example..:8080/',
  'http://a.pay.example:8080/',
  'http://pay.example.evil.example:8080/',
  'http://payxexample:8080/',
  'http://notpay.example:8080/',
  'http://pay.example:8080@evil.example/',
  'http://pay.example%2f:8080/',
  'http://p%61y.example:8081/',
  'http://pay.example:8081\\@pay.example:8080/',
  'https://shop.example/',
  'https://.shop.example/',
  'https://a.b.shop.example/',
  'https://a..shop.example/',
  'https://*.a.shop.example/',
  'https://ashop.example/',
  'https://a.shop.example:8443/',
  'http://a.shop.example/',
  'https://a.shop.example.evil.example/',
  'https://evil.example/.shop.example',
  'https://evil.example#.shop.example',
  'https://evil.example?.shop.example',
  'https://evil.example\\.shop.example',
  'https://evil。example/.shop.example',
  'https://127.0.0.1.evil.example@a.b.shop.example/',
  'http://10.0.0.5/',
  'http://10.0.0.5:8081/',
  'https://10.0.0.5:8080/',
  'http://10.0.0.6:8080/',
  'http://[::ffff:10.0.0.5]:8080/',
  'http://[::10.0.0.5]:8080/',
  'http://010.0.0.5:8080/',
  'http://10.0.0.5.nip.io:8080/',
  'https://bucher.example/',
  'https://bu\u0308cher.example:444/',
  'https://xn--bcher-kva.example:444/',
] as const;

/** URLs that commands must not be sent to: nothing is looked up and nobody is connected to. */
export const urlCases = (port: number): readonly UrlCase[] => [
  ...addresses(port),
  ...tricks.map((text) => plain(text.replaceAll('PORT', String(port)))),
  ...schemes.flatMap((scheme) => [plain(`${scheme}://127.0.0.1:${port}/`), plain(`${scheme}:127.0.0.1`)]),
  ...misses.map((url) => ({ title: JSON.stringify(url), url, allow: listed })),
];

const plain = (url: string): UrlCase => ({ title: JSON.stringify(url), url, allow: none });

const toForbidden: readonly string[] = [
  ...forbidden4,
  ...forbidden6,
  ...['127.0.0.1', '169.254.169.254', '0.0.0.0'].flatMap((address) => Object.values(wraps6(address))),
  // No addresses at all.
  ...['', 'localhost', '127.1', '0x7f000001', '169.254.169.254.', '1.2.3', '::g'],
];

/** Names that are listed and lead where no name may lead. */
export const dnsCases: readonly DnsCase[] = [
  { title: 'no address', name: 'empty.pay.example', answers: [[]] },
  ...toForbidden.flatMap((address, nth) => [
    { title: `${address} alone`, name: `n${nth}.pay.example`, answers: [[address]] },
    { title: `${address} after a good one`, name: `a${nth}.pay.example`, answers: [['10.0.0.5', address]] },
    { title: `${address} before a good one`, name: `b${nth}.pay.example`, answers: [[address, '2600:1f00::1']] },
  ]),
  ...[...fine, ...forbidden4, '::', '::ffff:0.0.0.0', '::ffff:10.0.0.5', '64:ff9b::7f00:1']
    .filter((address) => !address.startsWith('127.'))
    .map((address) => ({ title: `localhost as ${address}`, name: 'localhost', answers: [[address]] })),
  { title: 'localhost as itself and another', name: 'localhost', answers: [['127.0.0.1', '10.0.0.5']] },
];

/** What the kernel connects to this machine, so that a sink hears of it, though it is no loopback address. */
export const rebound: readonly string[] = ['0.0.0.0', '::', '::ffff:0.0.0.0', '::ffff:0:0'];

/** Good the first time, and another sink from then on. */
export const rebindingCases: readonly DnsCase[] = rebound.flatMap((address) => [
  { title: `then ${address}`, name: 'localhost', answers: [['127.0.0.3'], [address]] },
  { title: `then ${address} among good ones`, name: 'localhost', answers: [['127.0.0.3'], [address, '127.0.0.3']] },
  {
    title: `twice, then ${address}`,
    name: 'localhost',
    answers: [['127.0.0.3', '127.0.0.3'], [address], ['127.0.0.3']],
  },
]);

/** How a participant could ask to be left for another place: status, and headers with `@` for where to. */
export const lures: readonly (readonly [status: number, header: string])[] = [
  ...[300, 301, 302, 303, 304, 305, 306, 307, 308].flatMap((status) =>
    ['http://@/x', '//@/x', 'http:\\\\@/x', 'http://localhost@@/x'].map((to) => [status, `location: ${to}`] as const),
  ),
  ...['refresh: 0; url=http://@/', 'link: <http://@/>; rel=preload', 'content-location: http://@/'].map(
    (header) => [200, header] as const,
  ),
  ...['alt-svc: http/1.1="@"; ma=99', 'alt-svc: h2c="@"', 'upgrade: h2c', 'uri: http://@/'].map(
    (header) => [200, header] as const,
  ),
  [401, 'www-authenticate: Basic realm="http://@/"'],
  [407, 'proxy-authenticate: Basic realm="http://@/"'],
  [426, 'upgrade: h2c'],
  [503, 'location: http://@/'],
];
