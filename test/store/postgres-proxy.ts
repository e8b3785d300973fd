/** Stands between a store and its server, and loses what goes by on the connection that appends. */
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Postgres } from '../helpers/postgres.js';

export interface Proxy {
  readonly socket: string;
  /**
   * How many of the next appends are lost: before they reach the server, or after it has committed them. `silently`: nobody
   * is told, as when a cable is cut.
   */
  lose(what: Lost, times?: number): void;
  /** Nothing comes back any more on the connections there are, and nobody is told. */
  mute(): void;
  /** How many were. */
  lost(): number;
}

type Lost = 'request' | 'answer' | 'answer, silently';

const file = '.s.PGSQL.5432';

export async function startProxy(t: ExecutionContext, server: Postgres): Promise<Proxy> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-proxy-'));
  let losing: Lost | undefined;
  let left = 0;
  let lost = 0;
  const muted = new Set<net.Socket>();
  const connected = new Set<net.Socket>();
  const proxy = net.createServer((client) => {
    const upstream = net.connect(path.join(server.socket, file));
    let isAppending = false;
    connected.add(client);
    const cut = (): void => {
      lost++;
      left--;
      client.destroy();
      upstream.destroy();
    };
    client.on('data', (data) => {
      // As the driver names the prepared statement in what it sends.
      const isAppend = data.includes('\0append\0') || data.includes('append\0');
      isAppending = isAppend;
      if (isAppend && losing === 'request' && left > 0) return cut();
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      const isLosing = isAppending && left > 0 && data.includes('SELECT ');
      if (isLosing && losing === 'answer') return cut();
      if (isLosing && losing === 'answer, silently') {
        lost++;
        left--;
        muted.add(client);
      }
      if (!muted.has(client)) client.write(data);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(path.join(folder, file), resolve));
  t.teardown(async () => {
    proxy.close();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    socket: folder,
    lose(what, times = 1) {
      losing = what;
      left = times;
      lost = 0;
    },
    mute() {
      for (const client of connected) muted.add(client);
    },
    lost: () => lost,
  };
}
