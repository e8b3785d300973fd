/** What callers do: so many at once, each beginning its next transaction when its last one has ended. */
import { quantile } from './numbers.js';
import type { Variant } from './work.js';

export interface Load {
  readonly variant: Variant;
  readonly inFlight: number;
  readonly ms: number;
  /** Makes the xids of this load its own. */
  readonly prefix: string;
}

export interface LoadResult {
  readonly count: number;
  readonly wallMs: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** `transact` resolves when its transaction has ended as it should, and rejects when it did not. */
export async function carryOut(load: Load, transact: (xid: string) => Promise<void>): Promise<LoadResult> {
  const latencies: number[] = [];
  const begin = performance.now();
  let started = 0;
  const caller = async (): Promise<void> => {
    for (let now = performance.now(); now < begin + load.ms; ) {
      await transact(`${load.prefix}-${started++}`);
      const end = performance.now();
      latencies.push(end - now);
      now = end;
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, caller));
  const wallMs = performance.now() - begin;
  latencies.sort((a, b) => a - b);
  return {
    count: latencies.length,
    wallMs,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    max: latencies.at(-1) ?? Number.NaN,
  };
}
