import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, placeOrder } from './orders.js';
import type { Part } from './processes.js';
import type { Progress } from './progress.js';
import { wish } from './seed.js';
import type { Shop } from './shop.js';

const inFlightMax = 8;
/** The orders come over about this long, but never further apart than `gapMaxMs`. */
const streamMs = 5000;
const gapMaxMs = 100;
/** When for so long no order ends at all, something is stuck for good. */
const stuckMs = 120_000;

export interface Streamed {
  readonly ended: readonly Ended[];
  /** What was killed and started again, in words. */
  readonly kills: readonly string[];
}

interface Run {
  readonly shop: Shop;
  readonly orders: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Places the orders, a few at a time, and kills a service and the coordinator on the way. Resolves when all have ended. */
export async function stream({ shop, orders, progress, signal }: Run): Promise<Streamed> {
  const ended: Ended[] = [];
  const kills: string[] = [];
  const outages: Promise<void>[] = [];
  const watchdog = new Watchdog();
  const over = AbortSignal.any([signal, watchdog.signal]);
  // Each order that is in flight listens to it.
  setMaxListeners(0, over);
  const victims = [
    { after: Math.ceil(orders / 3), part: shop.payment, downMs: 800 },
    { after: Math.ceil((orders * 2) / 3), part: shop.coordinator, downMs: 400 },
  ];
  const began = performance.now();
  const gapMs = Math.min(gapMaxMs, streamMs / orders);
  let next = 0;
  const customer = async (): Promise<void> => {
    while (next < orders) {
      const index = next++;
      await sleep(Math.max(0, began + index * gapMs - performance.now()), undefined, { signal: over });
      const placing = placeOrder(wish(index), shop, over);
      progress.placed();
      for (const { part, downMs } of victims.filter(({ after }) => after === index + 1)) {
        kills.push(`${part.name} killed (SIGKILL) after order ${index + 1}, started again ${downMs} ms later`);
        outages.push(outage({ part, downMs, progress, signal: over }).catch((error) => watchdog.bark(error)));
      }
      const one = await placing;
      ended.push(one);
      progress.ended(one.transaction.status);
      watchdog.calm();
    }
  };
  try {
    await Promise.all(Array.from({ length: inFlightMax }, customer));
    await Promise.all(outages);
    return { ended, kills };
  } catch (error) {
    // One failure ends the customers that are still waiting, too; what aborted them says more than that they were.
    const cause = over.aborted ? over.reason : error;
    watchdog.bark(cause);
    throw cause;
  } finally {
    watchdog.stop();
  }
}

interface Outage {
  readonly part: Part;
  readonly downMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

async function outage({ part, downMs, progress, signal }: Outage): Promise<void> {
  progress.note(`SIGKILL to the ${part.name} process (pid ${part.pid})`);
  await part.kill();
  await sleep(downMs, undefined, { signal });
  await part.restart();
  progress.note(`the ${part.name} process is back (pid ${part.pid})`);
}

/** Ends the demo rather than let it wait for ever. */
class Watchdog {
  readonly #controller = new AbortController();
  readonly #timer = setTimeout(() => this.bark(new Error(`no order has ended for ${stuckMs / 1000} s`)), stuckMs);

  readonly signal = this.#controller.signal;

  calm(): void {
    this.#timer.refresh();
  }

  bark(reason: unknown): void {
    this.#controller.abort(reason);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
