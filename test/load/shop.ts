/** A coordinator as `concordat serve` runs it, and one participant that does nothing but count. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Server, startCoordinator, startPart, type Told } from '../bench/processes.js';
import { inputOf, steps } from '../bench/work.js';
import type { Ask, Came } from './participant.js';

export interface ShopOptions {
  /** Where the store is made and removed. */
  readonly dir: string;
  /** The program that is measured. */
  readonly coordinator: string;
}

export interface Shop {
  readonly store: string;
  /** The coordinator that runs now. */
  readonly coordinator: Server;
  readonly participant: Told<Ask>;
  came(): Promise<Came>;
  stopCoordinator(): Promise<void>;
  /** Another one on the same store. Resolves with how long it took until it served, in ms. */
  startCoordinator(): Promise<number>;
}

export const participantName = 'load';

/** For as long as `work` takes. */
export async function withShop<T>(options: ShopOptions, work: (shop: Shop) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(options.dir, 'concordat-load-'));
  const store = join(dir, 'load.db');
  const start = () => startCoordinator(dir, `sqlite:${store}`, options.coordinator);
  let coordinator = await start();
  const participant = await startPart<Ask>('../load/participant', dir);
  await participant.ask({ join: coordinator.url });
  try {
    return await work({
      store,
      get coordinator() {
        return coordinator;
      },
      participant,
      came: () => participant.ask('came'),
      stopCoordinator: () => coordinator.stop(),
      async startCoordinator() {
        const began = performance.now();
        coordinator = await start();
        const ready = await fetch(`${coordinator.url}/readyz`);
        if (ready.status !== 200) throw new Error(`readyz: ${ready.status}`);
        return performance.now() - began;
      },
    });
  } finally {
    await coordinator.stop();
    await participant.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The body of `POST /v1/transactions`: the reference work, of the participant that registered itself. */
export const planOf = (xid: string, refuse = false) => ({
  xid,
  name: 'load',
  steps: steps.map((handler) => ({
    id: handler,
    participant: participantName,
    handler,
    input: inputOf(xid, refuse && handler === 'stock'),
  })),
});
