import type { IncomingMessage } from 'node:http';
import { type Client, type ConnectOptions, connect } from '../client/client.js';
import { fromEnvironment } from '../client/environment.js';
import { onlyKnown } from '../client/options.js';
import { limits } from '../protocol/limits.js';
import { type Clock, systemClock } from './clock.js';
import { type HostLog, stderrLog } from './log.js';
import { pageGuard } from './router.js';
import { type Address, addressOf, isEveryAddress, isLoopback } from './server.js';
import { readSecrets } from './signature.js';

export interface ServeOptions {
  /** Instances of decorated classes, or what `participant(…)` returned. */
  readonly participants: readonly object[];
  /** A client, or how to make one. Default: `CONCORDAT_URL` and `CONCORDAT_API_KEY`. */
  readonly coordinator?: Client | ConnectOptions | string;
  /** `host:port` of a server of its own; port 0 takes a free one. Without it, `handle` is mounted in the application's. */
  readonly listen?: string;
  /** Where the coordinator reaches it, with the path that `handle` is mounted at. Default: where it listens. */
  readonly publicUrl?: string;
  /** `whsec_…`, several separated by spaces while they rotate. Default: `CONCORDAT_SIGNING_SECRET`. */
  readonly signingSecret?: string;
  /** Takes unsigned commands from beyond this machine: whoever reaches the port is trusted. */
  readonly insecure?: boolean;
  /** How long a registration holds that is not renewed; it is renewed three times as often. 30,000 by default. */
  readonly ttlMs?: number;
  /** How long `close()` waits for commands that run. 10,000 by default. */
  readonly graceMs?: number;
  /** Fields and a sentence, as pino has it. Default: warnings and errors as JSON lines on standard error. */
  readonly log?: HostLog;
  /** Time; a simulator brings its own. */
  readonly clock?: Clock;
}

/** The same with nothing left open. */
export interface ServeSettings {
  readonly client: Client;
  /** Whether it was made for this host, and ends with it. */
  readonly ownsClient: boolean;
  readonly address: Address | undefined;
  /** Without a slash at its end. */
  readonly publicUrl: string | undefined;
  readonly keys: readonly Buffer[];
  readonly guard: (request: IncomingMessage) => void;
  readonly ttlMs: number;
  readonly graceMs: number;
  readonly log: HostLog;
  readonly clock: Clock;
}

const names = [
  'participants',
  'coordinator',
  'listen',
  'publicUrl',
  'signingSecret',
  'insecure',
  'ttlMs',
  'graceMs',
  'log',
  'clock',
] as const satisfies readonly (keyof ServeOptions)[];

/** Throws TypeError for what is wrong, with what was expected and what came. */
export function resolveOptions(options: ServeOptions): ServeSettings {
  onlyKnown(options, [...names, 'queue'], 'serve');
  if ('queue' in options && options.queue !== undefined)
    throw new TypeError('queue: comes with a later version; in this one commands come over HTTP, so leave it out');
  const { insecure = false, clock = systemClock, log = stderrLog(clock), ttlMs = 30_000, graceMs = 10_000 } = options;
  if (!Number.isInteger(ttlMs) || ttlMs < limits.ttlMinMs || ttlMs > limits.ttlMaxMs)
    throw new TypeError(`ttlMs: expected whole ms from ${limits.ttlMinMs} to ${limits.ttlMaxMs}, got ${ttlMs}`);
  if (!Number.isFinite(graceMs) || graceMs < 0) throw new TypeError(`graceMs: expected ms from 0, got ${graceMs}`);
  const address = options.listen === undefined ? undefined : addressOf(options.listen);
  const publicUrl = options.publicUrl === undefined ? undefined : publicUrlOf(options.publicUrl);
  const keys = readSecrets(options.signingSecret ?? fromEnvironment().signingSecret ?? '');
  const hosts = hostsOf(address, publicUrl);
  const isOpen = hosts.some((host) => !isLoopback(host));
  if (isOpen && keys.length === 0 && !insecure)
    throw new TypeError(
      `expected a signingSecret, as ${hosts.join(' and ')} can be reached from beyond this machine, got none; give the ` +
        "coordinator's CONCORDAT_SIGNING_SECRET, or say insecure: true if whoever reaches the port is trusted",
    );
  const { client, ownsClient } = clientOf(options.coordinator);
  const guard = keys.length > 0 || insecure ? () => undefined : pageGuard(hosts);
  return { client, ownsClient, address, publicUrl, keys, guard, ttlMs, graceMs, log, clock };
}

function hostsOf(address: Address | undefined, publicUrl: string | undefined): readonly string[] {
  if (address === undefined && publicUrl === undefined)
    throw new TypeError(
      "expected listen ('127.0.0.1:0' for a server of its own) or publicUrl (where the application mounts host.handle), got neither",
    );
  if (address !== undefined && publicUrl === undefined && isEveryAddress(address.host))
    throw new TypeError(
      `publicUrl: expected the address that the coordinator reaches this host at, as it listens on every address ` +
        `(${address.host}), got none`,
    );
  const named = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  return [...(address === undefined ? [] : [address.host.toLowerCase()]), ...named];
}

function publicUrlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && !url.search && !url.hash && !url.username && !url.password;
  if (isPlain && (url.protocol === 'http:' || url.protocol === 'https:')) return url.href.replace(/\/$/, '');
  throw new TypeError(
    `publicUrl: expected http or https without credentials, query and fragment, such as https://payment.internal/concordat, ` +
      `got ${JSON.stringify(text)}`,
  );
}

function clientOf(given: ServeOptions['coordinator']): { readonly client: Client; readonly ownsClient: boolean } {
  if (typeof given === 'object' && 'registerInstance' in given) return { client: given, ownsClient: false };
  return { client: connect(typeof given === 'string' ? { url: given } : given), ownsClient: true };
}
