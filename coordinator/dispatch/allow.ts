import { planted } from '#faults';

/** Says where commands may be sent to. */
export interface AllowList {
  /** Undefined when commands may go there, else why not. */
  check(url: string): string | undefined;
}

/**
 * Loopback, and the origins that the operator lists: `https://api.example.com`, `http://10.0.0.5:8080`. A `*` as the
 * host's first label stands for exactly one label. Throws when an entry is not an origin.
 */
export function allowList(entries: readonly string[]): AllowList {
  const exact = new Set<string>();
  const anyFirstLabel = new Set<string>();
  for (const entry of entries) {
    const url = entryOf(entry);
    if (url.hostname.startsWith('*.')) anyFirstLabel.add(originOf(url, hostOf(url).slice(2)));
    else exact.add(originOf(url, hostOf(url)));
  }

  const isListed = (url: URL): boolean => {
    const host = hostOf(url);
    const dot = host.indexOf('.');
    return exact.has(originOf(url, host)) || (dot > 0 && anyFirstLabel.has(originOf(url, host.slice(dot + 1))));
  };

  return {
    check(text) {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      if (!url) return 'expected a URL, got text that is not one';
      const flaw = flawOf(url);
      if (flaw) return flaw;
      if (planted('send-to-any-address') || isLoopbackHost(hostOf(url)) || isListed(url)) return undefined;
      return `${url.origin} is not allowed: commands go to loopback addresses and to the origins that CONCORDAT_ALLOW lists`;
    },
  };
}

function flawOf(url: URL): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `expected http or https, got ${url.protocol}`;
  if (url.username !== '' || url.password !== '') return 'expected a URL without credentials, got one with them';
  if (url.href.includes('#')) return 'expected a URL without a fragment, got one with it';
  // The op is appended to the path: a query would swallow it.
  if (url.href.includes('?')) return 'expected a URL without a query, got one with it';
  return undefined;
}

/** The WHATWG parser has written out every spelling of an IPv4 address by now; a host with a final dot is the same host. */
const hostOf = (url: URL): string => url.hostname.replace(/\.$/, '');

const originOf = (url: URL, host: string): string => `${url.protocol}//${host}:${url.port}`;

const loopback = [
  /^localhost$/,
  /^127\.\d+\.\d+\.\d+$/,
  /^\[::1\]$/,
  // IPv4-mapped: ::ffff:127.0.0.1 is written ::ffff:7f00:1.
  /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/,
];

/** Whether a host, as the WHATWG parser writes it, is this machine. */
export const isLoopbackHost = (host: string): boolean => loopback.some((pattern) => pattern.test(host));

function entryOf(entry: string): URL {
  const url = URL.canParse(entry) ? new URL(entry) : undefined;
  const labels = url ? hostOf(url).split('.') : [];
  const stars = labels.filter((label) => label.includes('*')).length;
  const starFirst = labels[0] === '*' && labels.length > 1;
  if (url && !flawOf(url) && url.pathname === '/' && (stars === 0 || (stars === 1 && starFirst))) return url;
  throw new Error(
    `allow-list: expected an origin such as https://api.example.com, http://10.0.0.5:8080 or https://*.example.com, ` +
      `got ${entry.includes('@') ? 'one with credentials' : JSON.stringify(entry)}`,
  );
}
