/**
 * Keeps web pages out of a coordinator without keys. A page in the operator's own browser reaches loopback: by a name of
 * its own that it lets point here (DNS rebinding), or by a plain cross-site post.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { ConcordatError } from '../../sdk/protocol/errors.js';

/** Throws `misdirected` or `forbidden`. */
export type Guard = (headers: IncomingHttpHeaders) => void;

export interface GuardOptions {
  /** Whether a key is needed, which then keeps pages out. */
  readonly hasKeys: () => boolean;
  /** The operator said that whoever reaches the port is trusted. */
  readonly insecure: boolean;
  /** The host it was told to listen on. */
  readonly listenHost: string;
}

export function guard({ hasKeys, insecure, listenHost }: GuardOptions): Guard {
  const expectedHost = insecure ? () => true : isOurs(listenHost.toLowerCase());
  return ({ host, origin }) => {
    if (hasKeys()) return;
    if (!expectedHost(hostOf(host))) {
      throw new ConcordatError(
        'misdirected',
        'expected a Host header with a loopback name, an IP address or the name that the coordinator listens on; ' +
          'set CONCORDAT_API_KEYS to be reached by other names',
      );
    }
    if (origin === undefined || originHostOf(origin) === host?.toLowerCase()) return;
    throw new ConcordatError(
      'forbidden',
      'expected a request that no other web page makes, got one with a foreign Origin',
    );
  };
}

/** An address cannot be made to point elsewhere, a name can. */
const isOurs =
  (listenHost: string) =>
  (host: string): boolean =>
    host === 'localhost' || host.endsWith('.localhost') || host === listenHost || isIP(host) !== 0;

/** The host of a Host header without port, brackets and final dot. */
function hostOf(header: string | undefined): string {
  const text = (header ?? '').toLowerCase();
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(text) ?? [];
  return bracketed ?? plain.replace(/\.$/, '');
}

const originHostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);
