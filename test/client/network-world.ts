import type { ExecutionContext } from 'ava';
import { Coordinator } from '../chaos/coordinator.js';
import { temporary } from '../helpers/temporary.js';
import { clientOf } from './clients.js';
import type { Flow } from './network-flows.js';
import { type Ledger, startLedger } from './network-ledger.js';
import { type BadNetwork, badNetwork } from './network-proxy.js';

/** A coordinator as a process, a network in front of it, and a participant with a ledger behind it. */
export interface World {
  readonly coordinator: Coordinator;
  readonly ledger: Ledger;
  readonly proxy: BadNetwork;
}

export async function startWorld(t: ExecutionContext): Promise<World> {
  const directory = await temporary(t);
  const ledger = await startLedger(t, directory);
  const coordinator = await Coordinator.prepare(t, directory, {});
  await coordinator.start();
  return { coordinator, ledger, proxy: await badNetwork(t, coordinator.url) };
}

/** How many requests a flow takes when nothing happens. */
export async function requestsOf(t: ExecutionContext, flow: Flow, { proxy, ledger }: World): Promise<number> {
  proxy.disarm();
  await flow({ client: clientOf(t, proxy.url), url: ledger.url, order: 'undisturbed' });
  return proxy.came.length;
}
