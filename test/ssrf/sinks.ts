/** Listeners on several addresses of this machine, at one port, that count who comes. */

import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIP, type Server, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { allowList } from '../../coordinator/dispatch/allow.js';
import type { Resolve } from '../../coordinator/dispatch/lookup.js';
import { poolsByOrigin } from '../../coordinator/dispatch/pools.js';
import type { Transport } from '../../coordinator/dispatch/transport.js';
import { rawAnswer, transport } from '../dispatch/participants.js';

/** Where commands may arrive in these tests; at the others nobody may. */
const good = '127.0.0.3';
const forbidden = ['127.0.0.1', '127.0.0.2', '::1'] as const;

export interface Sinks {
  readonly port: number;
  /** Heads of the requests that the good one got. */
  readonly heads: string[];
  /** Who connected to a forbidden one, by its address. */
  readonly reached: string[];
}

/** Every answer ends its connection, so that the next command connects again. */
const answer = rawAnswer('{"ok":true}', 'content-type: application/json\r\nconnection: close');

export async function startSinks(t: ExecutionContext, reply: () => string = () => answer): Promise<Sinks> {
  const heads: string[] = [];
  const reached: string[] = [];
  const onGood = (socket: Socket): void =>
    void socket.on('data', (bytes) => {
      heads.push(bytes.toString().split('\r\n\r\n', 1)[0] ?? '');
      socket.end(reply());
    });
  const onForbidden = (address: string) => (socket: Socket) => {
    reached.push(address);
    socket.on('data', () => socket.end(answer));
  };
  for (;;) {
    const first = await listenOn(t, good, 0, onGood);
    const { port } = first.address() as AddressInfo;
    const others = forbidden.map((address) => listenOn(t, address, port, onForbidden(address)));
    const failures = (await Promise.allSettled(others)).map((each) => each.status === 'rejected' && each.reason.code);
    // A port that is free at one address may be taken at another. A machine without IPv6 has one sink less.
    if (!failures.includes('EADDRINUSE')) {
      t.deepEqual(failures.slice(0, 2), [false, false]);
      return { port, heads, reached };
    }
  }
}

async function listenOn(
  t: ExecutionContext,
  address: string,
  port: number,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    onConnection(socket);
  });
  server.listen({ host: address, port });
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server;
}

export interface Dns {
  readonly resolve: Resolve;
  readonly asked: () => number;
}

/** DNS that answers one after the other, and the last from then on. */
export function dnsOf(answers: readonly (readonly string[])[]): Dns {
  let asked = 0;
  return {
    asked: () => asked,
    resolve(_name, _options, callback) {
      const answered = answers[Math.min(asked++, answers.length - 1)] ?? [];
      const addresses: LookupAddress[] = answered.map((address) => ({ address, family: isIP(address) || 4 }));
      setImmediate(() => callback(null, addresses));
    },
  };
}

/** The real way out, with these entries on the list and this DNS. */
export const wayOut = (t: ExecutionContext, allow: readonly string[], { resolve }: Dns = dnsOf([[]])): Transport =>
  transport(t, { allow: allowList(allow), pools: poolsByOrigin(4, resolve) });
