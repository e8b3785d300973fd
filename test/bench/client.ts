/** The client process: keeps so many transactions in flight, waiting for each to end. Told what to do over IPC. */
import { Pool } from 'undici';
import { quantile } from './numbers.js';
import { type Addressing, expected, planOf, type Variant } from './work.js';

export interface Load {
  readonly coordinatorUrl: string;
  readonly participantUrl: string;
  readonly variant: Variant;
  readonly to: Addressing;
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

export type Reply = { readonly done: LoadResult } | { readonly failed: string };

let pool: Pool | undefined;

async function transact(load: Load, xid: string): Promise<void> {
  pool ??= new Pool(load.coordinatorUrl, { connections: 256, headersTimeout: 60_000, bodyTimeout: 60_000 });
  const { statusCode, body } = await pool.request({
    path: '/v1/transactions',
    method: 'POST',
    headers: { 'content-type': 'application/json', prefer: 'wait=30' },
    body: JSON.stringify(planOf(xid, load.variant, load.participantUrl, load.to)),
  });
  const text = await body.text();
  const status = statusCode === 201 ? (JSON.parse(text) as { status: string }).status : undefined;
  if (status !== expected[load.variant].status) throw new Error(`${xid}: ${statusCode} ${text.slice(0, 500)}`);
}

/** Each of the callers begins its next transaction when its last one has ended. */
async function run(load: Load): Promise<LoadResult> {
  const latencies: number[] = [];
  const begin = performance.now();
  let started = 0;
  const caller = async (): Promise<void> => {
    for (let now = performance.now(); now < begin + load.ms; ) {
      await transact(load, `${load.prefix}-${started++}`);
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

process.on('message', (load: Load) => {
  run(load).then(
    (done) => process.send?.({ done } satisfies Reply),
    (error: Error) => process.send?.({ failed: error.message } satisfies Reply),
  );
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
