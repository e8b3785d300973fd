import { type Dispatcher, Pool } from 'undici';
import { checkedLookup, type Resolve } from './lookup.js';

/** Connections to web origins, kept alive. */
export interface Pools {
  of(origin: string): Pick<Dispatcher, 'dispatch'>;
  destroy(): Promise<void>;
}

/** Idle pools beyond this are closed: a wildcard in the allow-list may lead to any number of hosts. */
const poolsMax = 1000;

/** `resolve` asks for the addresses of names; DNS by default. Proxies that the environment names are not used. */
export function poolsByOrigin(connections: number, resolve?: Resolve): Pools {
  const connect = { lookup: checkedLookup(resolve) };
  const pools = new Map<string, Pool>();
  const closeIdle = (): void => {
    for (const [origin, pool] of pools) {
      if (pools.size < poolsMax) return;
      if (pool.stats.size > 0) continue;
      pools.delete(origin);
      void pool.destroy();
    }
  };
  return {
    of(origin) {
      const known = pools.get(origin);
      if (known) return known;
      closeIdle();
      const pool = new Pool(origin, { connections, pipelining: 1, connect });
      pools.set(origin, pool);
      return pool;
    },
    async destroy() {
      await Promise.all(Array.from(pools.values(), (pool) => pool.destroy()));
      pools.clear();
    },
  };
}
