/** A store with a million finished transactions, beside an empty one. */

import { median, quantile } from '../bench/numbers.js';
import { callersOf, taken } from './callers.js';
import { atLeast, atMost, type Scenario, told } from './figure.js';
import { fillWithFinished } from './finished.js';
import { type Shop, withShop } from './shop.js';

const rounds = 5;

export const full: Scenario = (run) =>
  withShop(run, (empty) =>
    withShop(run, async (filled) => {
      const count = Math.round(1_000_000 * run.scale);
      await rate(filled, 'first', 1000);
      await filled.stopCoordinator();
      const begun = performance.now();
      await fillWithFinished(filled.store, 'first-0', count, run.progress);
      run.progress(`filled in ${Math.round((performance.now() - begun) / 1000)} s`);
      const restartMs = await filled.startCoordinator();
      await filled.participant.ask({ join: filled.coordinator.url });
      for (const shop of [empty, filled]) await rate(shop, 'warm', 6000 * run.scale);
      const shares: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const ms = 5000 * run.scale;
        const order = round % 2 === 0 ? [empty, filled] : [filled, empty];
        const rates = new Map<Shop, number>();
        for (const shop of order) rates.set(shop, await rate(shop, `round-${round}`, ms));
        shares.push((rates.get(filled) ?? 0) / (rates.get(empty) ?? 0));
        run.progress(`empty ${Math.round(rates.get(empty) ?? 0)}/s, full ${Math.round(rates.get(filled) ?? 0)}/s`);
      }
      const pages = await pagesOf(filled);
      return [
        atLeast('submit rate beside a million finished, as a share of empty (median)', 0.9, median(shares)),
        ...pages.map(({ what, ms }) => atMost(`${what}, ms (p90)`, 20, ms)),
        told('starts on it within, ms', restartMs),
      ];
    }),
  );

async function rate(shop: Shop, prefix: string, ms: number): Promise<number> {
  const callers = callersOf(shop.coordinator.url);
  const heard = await callers.closed({ inFlight: 64, ms, prefix, wait: true });
  await callers.close();
  return (taken(heard) * 1000) / heard.wallMs;
}

const lists: Readonly<Record<string, string>> = {
  'list page': '?limit=50',
  'list page by status': '?limit=50&status=committed',
  'list page by name': '?limit=50&name=load',
  'list page of 500': '?limit=500',
  'list page by participant': '?limit=50&participant=load',
};

/** Each page some times, and the page after it by its cursor. */
async function pagesOf({ coordinator }: Shop): Promise<readonly { readonly what: string; readonly ms: number }[]> {
  const found: { what: string; ms: number }[] = [];
  for (const [what, query] of Object.entries(lists)) {
    const took: number[] = [];
    let cursor = '';
    for (let page = 0; page < 20; page++) {
      const begun = performance.now();
      const response = await fetch(`${coordinator.url}/v1/transactions${query}${cursor}`);
      const body = (await response.json()) as { items: readonly unknown[]; nextCursor: string | null };
      took.push(performance.now() - begun);
      if (response.status !== 200 || body.items.length === 0) throw new Error(`${what}: ${response.status}`);
      cursor = body.nextCursor ? `&cursor=${encodeURIComponent(body.nextCursor)}` : '';
    }
    found.push({
      what,
      ms: quantile(
        took.sort((a, b) => a - b),
        0.9,
      ),
    });
  }
  return found;
}
