/** What those who watch the stream of all changes cost those who work. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { median } from '../bench/numbers.js';
import { snapshot, usageBetween } from '../bench/usage.js';
import { callersOf, taken } from './callers.js';
import { atMost, type Scenario, told } from './figure.js';
import { withShop } from './shop.js';

const rounds = 6;
const watchers = 20;

export const watched: Scenario = (run) =>
  withShop(run, async (shop) => {
    const callers = callersOf(shop.coordinator.url);
    const ms = 4000 * run.scale;
    const measure = async (prefix: string): Promise<Cost> => {
      const pids = { coordinator: shop.coordinator.pid };
      const before = snapshot(pids);
      const heard = await callers.closed({ inFlight: 64, ms, prefix, wait: true });
      const { cpuMs } = usageBetween(before, snapshot(pids));
      return {
        perSecond: (taken(heard) * 1000) / heard.wallMs,
        cpuMs: (cpuMs.coordinator ?? Number.NaN) / taken(heard),
      };
    };
    await callers.closed({ inFlight: 64, ms: 6000 * run.scale, prefix: 'warm', wait: true });
    const shares: Cost[] = [];
    let bytes = 0;
    for (let round = 0; round < rounds; round++) {
      const first = round % 2 === 0 ? await measure(`alone-${round}`) : undefined;
      const watching = await watch(`${shop.coordinator.url}/v1/stream`);
      const beside = await measure(`watched-${round}`);
      bytes += watching.bytes();
      watching.stop();
      const alone = first ?? (await measure(`alone-${round}`));
      shares.push({ perSecond: beside.perSecond / alone.perSecond, cpuMs: beside.cpuMs / alone.cpuMs });
      run.progress(
        `alone ${Math.round(alone.perSecond)}/s, ${alone.cpuMs.toFixed(3)} ms; watched ${Math.round(beside.perSecond)}/s, ${beside.cpuMs.toFixed(3)} ms`,
      );
    }
    await callers.close();
    return [
      atMost(
        `coordinator's CPU with ${watchers} watchers, as a share of that without (median)`,
        1.05,
        median(shares.map(({ cpuMs }) => cpuMs)),
      ),
      told('rate, likewise; the watchers read on the same cores', median(shares.map(({ perSecond }) => perSecond))),
      told('MiB that one watcher got, of all rounds', bytes / watchers / 2 ** 20),
    ];
  });

interface Cost {
  readonly perSecond: number;
  /** Of one transaction. */
  readonly cpuMs: number;
}

/** Opens the stream so many times and counts what comes. */
async function watch(url: string): Promise<{ bytes(): number; stop(): void }> {
  let bytes = 0;
  const asked: ClientRequest[] = [];
  for (let i = 0; i < watchers; i++) {
    const asking = request(url, { headers: { accept: 'text/event-stream' } }).end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`the stream: ${response.statusCode}`);
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
    });
    response.on('error', () => undefined);
    asked.push(asking);
  }
  return {
    bytes: () => bytes,
    stop() {
      for (const each of asked) each.destroy();
    },
  };
}
