import { createServer, type Server } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import type { Clock } from './clock.js';
import type { Handle } from './router.js';

export interface Listening {
  /** Where it can be reached, as far as the machine itself knows. */
  readonly url: string;
  /** Takes no new connections and waits at most `graceMs` for requests that are being answered. */
  close(graceMs: number): Promise<void>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`. Throws TypeError when it is not that. */
export function addressOf(text: string): Address {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new TypeError(`listen: expected host:port such as 127.0.0.1:8091 or [::1]:8091, got ${JSON.stringify(text)}`);
}

/** Whether only this machine reaches it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));

/** Whether it stands for every address of the machine. */
export const isEveryAddress = (host: string): boolean => host === '0.0.0.0' || host === '::';

const settings = Object.freeze({
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  // Longer than callers keep theirs, so that no request meets a connection that is just being closed.
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
});

/** Begins to listen. Rejects when the address is taken or is none of this machine. */
export function listen({ host, port }: Address, handle: Handle, clock: Clock): Promise<Listening> {
  const server = createServer(settings, (request, response) => handle(request, response));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      const { port: bound } = server.address() as AddressInfo;
      const url = `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
      resolve({ url, close: (graceMs) => close(server, graceMs, clock) });
    });
  });
}

/** Connections that are kept alive are looked for this often: one that is being answered is idle only after that. */
const lookEveryMs = 10;

function close(server: Server, graceMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const until = clock.monotonic() + graceMs;
    let cancel = (): void => undefined;
    const look = (): void => {
      if (clock.monotonic() < until) server.closeIdleConnections();
      else server.closeAllConnections();
      cancel = clock.after(lookEveryMs, look);
    };
    server.close(() => {
      cancel();
      resolve();
    });
    look();
  });
}
