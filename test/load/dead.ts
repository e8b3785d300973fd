/** Many open transactions on a participant that is dead: what they cost, a restart, and its return. */
import { setTimeout as sleep } from 'node:timers/promises';
import { residentMiB } from '../bench/usage.js';
import { callersOf, taken } from './callers.js';
import { atLeast, atMost, type Scenario, told } from './figure.js';
import { countFinished } from './finished.js';
import { participantName, type Shop, withShop } from './shop.js';

export const dead: Scenario = (run) =>
  withShop(run, async (shop) => {
    const count = Math.round(100_000 * run.scale);
    const normal = await normalRate(shop, run.scale);
    run.progress(`normally ${Math.round(normal)}/s`);
    await shop.participant.ask('die');
    await openAll(shop, count, run.progress);
    await sleep(5000);
    const memory = residentMiB(shop.coordinator.pid);
    run.progress(`${count} are open: ${Math.round(memory)} MiB`);
    await shop.stopCoordinator();
    const restartMs = await shop.startCoordinator();
    const callers = callersOf(shop.coordinator.url);
    const asked = performance.now();
    await callers.closed({ inFlight: 1, count: 1, prefix: 'after-restart', wait: false });
    const firstMs = restartMs + performance.now() - asked;
    await callers.close();
    run.progress(`serves again after ${Math.round(firstMs)} ms`);
    await sleep(20_000 * Math.min(1, run.scale * 4));
    const afterRestart = residentMiB(shop.coordinator.pid);
    const limit = Math.max(50, Math.round(normal * 3));
    await setLimit(shop, limit);
    await shop.came();
    const back = performance.now();
    await shop.participant.ask('rise');
    const done = await finish(shop, count, run.progress);
    const { mostPerSecond } = await shop.came();
    return [
      told('normally, transactions per second', normal),
      atMost(`memory with ${count} open, MiB`, 400, memory),
      atMost('until it serves after a restart, ms', 5000, firstMs),
      atMost('memory after the restart, MiB', 400, afterRestart),
      told('finished after its return within, s', (performance.now() - back) / 1000),
      atLeast('finished per second after its return, as a share of normally', 0.5, done / normal),
      atMost(`most commands in a second, as a share of the limit of ${limit}`, 2, mostPerSecond / limit),
    ];
  });

async function normalRate(shop: Shop, scale: number): Promise<number> {
  const callers = callersOf(shop.coordinator.url);
  await callers.closed({ inFlight: 64, ms: 5000 * scale, prefix: 'warm', wait: true });
  const heard = await callers.closed({ inFlight: 64, ms: 10_000 * scale, prefix: 'normal', wait: true });
  await callers.close();
  return (taken(heard) * 1000) / heard.wallMs;
}

async function openAll(shop: Shop, count: number, progress: (line: string) => void): Promise<void> {
  const callers = callersOf(shop.coordinator.url);
  for (let open = 0, round = 0; open < count; round++) {
    const heard = await callers.closed({
      inFlight: 64,
      count: Math.min(10_000, count - open),
      prefix: `dead-${round}`,
      wait: false,
    });
    open += taken(heard);
    progress(
      `${open} open, ${Math.round((taken(heard) * 1000) / heard.wallMs)}/s, ${Math.round(residentMiB(shop.coordinator.pid))} MiB ${JSON.stringify(heard.statuses)}`,
    );
    if (heard.statuses[429]) await sleep(1000);
  }
  await callers.close();
}

async function setLimit(shop: Shop, perSecond: number): Promise<void> {
  const response = await fetch(`${shop.coordinator.url}/v1/participants/${participantName}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ limits: { perSecond } }),
  });
  if (response.status !== 200) throw new Error(`the limit was not set: ${response.status} ${await response.text()}`);
}

/** Waits until they are finished; resolves with how many were in a second once it had begun. */
async function finish(shop: Shop, count: number, progress: (line: string) => void): Promise<number> {
  const before = await countFinished(shop.store);
  let [since, first, last] = [0, 0, 0];
  for (let looks = 0; last < count; looks++) {
    await sleep(500);
    last = (await countFinished(shop.store)) - before;
    if (since === 0 && last > 0) [since, first] = [performance.now(), last];
    if (looks % 10 === 9) progress(`${last} of ${count} finished`);
    if (looks > 1200) throw new Error(`only ${last} of ${count} were finished within 10 minutes`);
  }
  return ((last - first) * 1000) / (performance.now() - since);
}
