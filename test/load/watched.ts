/** What those who watch the stream of all changes cost those who work. */
import { once } from 'node:events';
import { request } from 'node:http';
import { median } from '../bench/numbers.js';
import { callersOf, taken } from './callers.js';
import { atLeast, type Scenario, told } from './figure.js';
import { withShop } from './shop.js';

const rounds = 6;
const watchers = 20;

export const watched: Scenario = (run) =>
  withShop(run, async (shop) => {
    const callers = callersOf(shop.coordinator.url);
    const ms = 4000 * run.scale;
    const rate = async (prefix: string): Promise<number> => {
      const heard = await callers.closed({ inFlight: 64, ms, prefix, wait: true });
      return (taken(heard) * 1000) / heard.wallMs;
    };
    await callers.closed({ inFlight: 64, ms: 6000 * run.scale, prefix: 'warm', wait: true });
    const shares: number[] = [];
    let seen = 0;
    for (let round = 0; round < rounds; round++) {
      const alone = round % 2 === 0 ? await rate(`alone-${round}`) : 0;
      const watching = await watch(`${shop.coordinator.url}/v1/stream`);
      const seenBefore = watching.events();
      const beside = await rate(`watched-${round}`);
      seen += watching.events() - seenBefore;
      watching.stop();
      const other = alone || (await rate(`alone-${round}`));
      shares.push(beside / other);
      run.progress(`alone ${Math.round(other)}/s, watched ${Math.round(beside)}/s`);
    }
    await callers.close();
    return [
      atLeast(`rate with ${watchers} watchers, as a share of that without (median)`, 0.95, median(shares)),
      told('events that one watcher got, of all rounds', seen / watchers),
    ];
  });

/** Opens the stream so many times and counts what comes. */
async function watch(url: string): Promise<{ events(): number; stop(): void }> {
  let events = 0;
  const stops: (() => void)[] = [];
  for (let i = 0; i < watchers; i++) {
    const asking = request(url, { headers: { accept: 'text/event-stream' } }).end();
    const [response] = await once(asking, 'response');
    if (response.statusCode !== 200) throw new Error(`the stream: ${response.statusCode}`);
    response.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf('\ndata:'); at >= 0; at = chunk.indexOf('\ndata:', at + 1)) events++;
    });
    response.on('error', () => undefined);
    stops.push(() => asking.destroy());
  }
  return { events: () => events, stop: () => stops.forEach((stop) => void stop()) };
}
