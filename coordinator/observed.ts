import type { Clock } from './clock.js';
import type { StoreAddress } from './config.js';
import { meteredTransport } from './dispatch/metered.js';
import type { Transport } from './dispatch/transport.js';
import type { Metrics } from './observe/metrics.js';
import { Tally, talliedStore } from './observe/tally.js';
import { type OpenOptions, openStore } from './store/open.js';
import type { Store } from './store/store.js';

/** A store and ways out of which is seen what goes by. */
export interface Observed {
  readonly store: Store;
  readonly tally: Tally;
  readonly metrics: Metrics | undefined;
  /** The same transport, with its calls seen. */
  readonly calls: (transport: Transport) => Transport;
}

export interface ObservedOptions extends OpenOptions {
  readonly address: StoreAddress;
  readonly clock: Clock;
  readonly metrics: boolean;
}

/** Opens the store; rejects as it does. What metrics are made with is loaded only where they are asked for. */
export async function openObserved({ address, clock, metrics: asked, ...options }: ObservedOptions): Promise<Observed> {
  const tally = new Tally(clock);
  if (!asked) {
    const store = talliedStore(await openStore(address, options), tally, clock);
    return { store, tally, metrics: undefined, calls: (transport) => transport };
  }
  const metrics = new (await import('./observe/metrics.js')).Metrics(tally);
  const store = await openStore(address, { ...options, before: (writer) => metrics.grouped(writer) });
  return {
    store: talliedStore(store, tally, clock, (ms) => metrics.appended(ms)),
    tally,
    metrics,
    calls: (transport) => meteredTransport(transport, metrics, clock),
  };
}
