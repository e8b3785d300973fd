/** Those who ask the coordinator: a fixed number at once, or so many a second whatever becomes of them. */
import { Pool } from 'undici';
import { quantile } from '../bench/numbers.js';
import { planOf } from './shop.js';

export interface Heard {
  /** How often each status was answered; 0 is no answer. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly wallMs: number;
  /** Of those that were taken, in ms. */
  readonly p50: number;
  readonly p99: number;
}

/** Waits for each to end (`wait`), or only for it to be taken. */
export interface Callers {
  closed(load: {
    inFlight: number;
    ms?: number;
    count?: number;
    prefix: string;
    wait: boolean;
    refuse?: boolean;
  }): Promise<Heard>;
  open(load: { perSecond: number; ms: number; prefix: string }): Promise<Heard>;
  close(): Promise<void>;
}

export function callersOf(url: string): Callers {
  const pool = new Pool(url, { connections: 512, headersTimeout: 60_000, bodyTimeout: 60_000 });
  const submit = async (xid: string, wait: boolean, heard: Hearing, refuse = false): Promise<void> => {
    const begun = performance.now();
    try {
      const { statusCode, body } = await pool.request({
        path: '/v1/transactions',
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(wait && { prefer: 'wait=30' }) },
        body: JSON.stringify(planOf(xid, refuse)),
      });
      await body.dump();
      heard.note(statusCode, performance.now() - begun);
    } catch {
      heard.note(0, 0);
    }
  };
  return {
    async closed({ inFlight, ms = Number.POSITIVE_INFINITY, count = Number.POSITIVE_INFINITY, prefix, wait, refuse }) {
      const heard = new Hearing();
      let begun = 0;
      const caller = async (): Promise<void> => {
        while (performance.now() < heard.since + ms && begun < count)
          await submit(`${prefix}-${begun++}`, wait, heard, refuse);
      };
      await Promise.all(Array.from({ length: inFlight }, caller));
      return heard.told();
    },
    async open({ perSecond, ms, prefix }) {
      const heard = new Hearing();
      const asked: Promise<void>[] = [];
      await new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          const passed = Math.min(ms, performance.now() - heard.since);
          for (const due = (passed * perSecond) / 1000; asked.length < due; )
            asked.push(submit(`${prefix}-${asked.length}`, false, heard));
          if (passed < ms) return;
          clearInterval(timer);
          resolve();
        }, 5);
      });
      await Promise.all(asked);
      return heard.told();
    },
    close: () => pool.close(),
  };
}

class Hearing {
  readonly since = performance.now();
  readonly #statuses: Record<number, number> = {};
  readonly #latencies: number[] = [];

  note(status: number, ms: number): void {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (status >= 200 && status < 300) this.#latencies.push(ms);
  }

  told(): Heard {
    const sorted = this.#latencies.sort((a, b) => a - b);
    const wallMs = performance.now() - this.since;
    return { statuses: this.#statuses, wallMs, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
  }
}

/** Those that were taken. */
export const taken = ({ statuses }: Heard): number =>
  (statuses[200] ?? 0) + (statuses[201] ?? 0) + (statuses[202] ?? 0);
