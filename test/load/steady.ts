/** Work without end: memory, handles and latency stay what they were. */
import { readdirSync } from 'node:fs';
import { median } from '../bench/numbers.js';
import { residentMiB } from '../bench/usage.js';
import { callersOf, taken } from './callers.js';
import { atMost, type Scenario, told } from './figure.js';
import { withShop } from './shop.js';

interface Sample {
  readonly perSecond: number;
  readonly p50: number;
  readonly memory: number;
  readonly handles: number;
}

const slices = 30;
/** Full load would show how the machine's other work goes. */
const shareOfCapacity = 0.3;

export const steady: Scenario = (run) =>
  withShop(run, async (shop) => {
    const callers = callersOf(shop.coordinator.url);
    const samples: Sample[] = [];
    const ms = (run.minutes * 60_000) / slices;
    const warm = await callers.closed({ inFlight: 16, ms: 5000, prefix: 'warm', wait: true });
    const perSecond = (shareOfCapacity * taken(warm) * 1000) / warm.wallMs;
    for (let slice = 0; slice < slices; slice++) {
      const heard = await callers.open({ perSecond, ms, prefix: `steady-${slice}` });
      const { pid } = shop.coordinator;
      const handles = readdirSync(`/proc/${pid}/fd`).length;
      const rate = (taken(heard) * 1000) / heard.wallMs;
      samples.push({ perSecond: rate, p50: heard.p50, memory: residentMiB(pid), handles });
      run.progress(
        `${slice + 1}/${slices}: ${Math.round(rate)}/s, p50 ${heard.p50.toFixed(1)} ms, ${Math.round(residentMiB(pid))} MiB, ${handles} handles ${JSON.stringify(heard.statuses)}`,
      );
    }
    await callers.close();
    // The first third is for it to come to rest.
    const early = samples.slice(slices / 3, (2 * slices) / 3);
    const late = samples.slice((2 * slices) / 3);
    const grown = (of: (sample: Sample) => number): number => median(late.map(of)) / median(early.map(of));
    return [
      atMost(
        'memory in the last third, as a share of the second',
        1.1,
        grown(({ memory }) => memory),
      ),
      atMost(
        'handles, likewise',
        1.1,
        grown(({ handles }) => handles),
      ),
      atMost(
        'p50, likewise',
        1.2,
        grown(({ p50 }) => p50),
      ),
      told('minutes', run.minutes),
      told('transactions per second', median(samples.map(({ perSecond }) => perSecond))),
      told('memory at the end, MiB', samples.at(-1)?.memory ?? Number.NaN),
    ];
  });
