/** Offered twice what it can do: what is done stays what it was, and memory too. */
import { setTimeout as sleep } from 'node:timers/promises';
import { residentMiB } from '../bench/usage.js';
import { callersOf, taken } from './callers.js';
import { atLeast, atMost, type Scenario, told } from './figure.js';
import { countFinished } from './finished.js';
import { withShop } from './shop.js';

export const overload: Scenario = (run) =>
  withShop(run, async (shop) => {
    const callers = callersOf(shop.coordinator.url);
    const ms = 20_000 * run.scale;
    await callers.closed({ inFlight: 64, ms: 5000 * run.scale, prefix: 'warm', wait: true });
    const calm = await callers.closed({ inFlight: 256, ms, prefix: 'calm', wait: true });
    const plateau = (taken(calm) * 1000) / calm.wallMs;
    run.progress(`plateau ${Math.round(plateau)}/s with 256 in flight`);
    const before = await countFinished(shop.store);
    const memory = [residentMiB(shop.coordinator.pid)];
    const watching = setInterval(() => memory.push(residentMiB(shop.coordinator.pid)), 250);
    const cpu = process.cpuUsage();
    const heard = await callers.open({ perSecond: 2 * plateau, ms, prefix: 'flood' });
    const { user, system } = process.cpuUsage(cpu);
    const done = (await countFinished(shop.store)) - before;
    clearInterval(watching);
    const half = Math.floor(memory.length / 2);
    const settled = Math.max(...memory.slice(Math.floor(half / 2), half + 1));
    const last = Math.max(...memory.slice(half));
    run.progress(
      `offered ${Math.round(2 * plateau)}/s: ${JSON.stringify(heard.statuses)}, memory ${Math.round(settled)} then ${Math.round(last)} MiB`,
    );
    await sleep(1000);
    const left = taken(heard) - ((await countFinished(shop.store)) - before);
    await callers.close();
    return [
      told('plateau, transactions per second', plateau),
      atLeast(
        'offered twice that: finished per second, as a share of the plateau',
        0.9,
        (done * 1000) / heard.wallMs / plateau,
      ),
      atMost('memory in its second half, as a share of that before', 1.1, last / settled),
      told('p99 of those that were taken, ms', heard.p99),
      told('cores that the callers themselves took meanwhile', (user + system) / 1000 / heard.wallMs),
      told(
        'refused with 429, as a share',
        (heard.statuses[429] ?? 0) / Object.values(heard.statuses).reduce((a, b) => a + b, 0),
      ),
      atMost(
        'answered otherwise than taken or 429',
        0,
        Object.entries(heard.statuses).reduce(
          (sum, [status, count]) => (['200', '201', '429'].includes(status) ? sum : sum + count),
          0,
        ),
      ),
      atMost('taken and not finished a second later', 0, left),
    ];
  });
