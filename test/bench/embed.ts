/**
 * `node dist/test/bench/embed.js`: the reference work against a coordinator inside this process, with handlers that do
 * nothing and have no fence. Every caller waits for the final state. `--help` says what it takes.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Embedded, embed } from '../../coordinator/index.js';
import { participant, saga } from '../../sdk/participant/define.js';
import { Refused } from '../../sdk/protocol/answers.js';
import { quantile } from './numbers.js';
import { expected, inputOf, letterOf, type StepInput, steps, type Variant, variants, wrongEffects } from './work.js';

export interface EmbedPoint {
  readonly variant: Variant;
  readonly inFlight: number;
  readonly count: number;
  readonly wallMs: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Of the whole process, the I/O threads of the store included. */
  readonly cpuMicrosPerTransaction: number;
  /** Of them, those of the thread that runs JavaScript; NaN where the system does not tell. */
  readonly scriptMicrosPerTransaction: number;
}

const help = `node dist/test/bench/embed.js [options]

  --ms N            length of one measured point                   (4000)
  --warm-ms N       the same load before it, not measured          (3000)
  --in-flight LIST  transactions in flight                         (1,64)
  --variants LIST   commit: all steps done; undo: the third refused (commit,undo)
  --dir PATH        where the store is made and removed            (the system's temporary folder)
  --memory          a store in memory instead of a file
  --json            one JSON document on standard output`;

interface EmbedOptions {
  readonly ms: number;
  readonly warmMs: number;
  readonly inFlight: readonly number[];
  readonly variants: readonly Variant[];
  readonly dir: string;
  readonly memory: boolean;
}

/** By xid, the word of the commands that came. */
type Words = Map<string, string>;

/** The three services of the reference work, which only note what they were asked. */
const services = (words: Words) =>
  steps.map((id) => {
    const note = (xid: string, path: string, refused: boolean): void => {
      words.set(xid, (words.get(xid) ?? '') + letterOf(path, refused));
    };
    return participant({
      name: id,
      handlers: {
        step: saga({
          fence: 'none',
          async action({ refuse }: StepInput, { xid }) {
            const refused = refuse && id === 'stock';
            note(xid, `/${id}/action`, refused);
            if (refused) throw new Refused('out of stock');
            return { ok: true, xid };
          },
          async compensate(_input, { xid }) {
            note(xid, `/${id}/compensate`, false);
          },
        }),
      },
    });
  });

const planOf = (xid: string, variant: Variant) => ({
  xid,
  name: `bench-${variant}`,
  steps: steps.map((id) => ({
    id,
    participant: id,
    handler: 'step',
    input: inputOf(xid, variant === 'undo' && id === 'stock'),
  })),
});

interface Load {
  readonly variant: Variant;
  readonly inFlight: number;
  readonly ms: number;
  readonly prefix: string;
}

/** Each of the callers begins its next transaction when its last one has ended. Resolves with how long each took. */
async function run(client: Embedded, load: Load): Promise<number[]> {
  const latencies: number[] = [];
  const until = performance.now() + load.ms;
  let started = 0;
  const caller = async (): Promise<void> => {
    for (let now = performance.now(); now < until; ) {
      const xid = `${load.prefix}-${started++}`;
      const { status } = await client.submit(planOf(xid, load.variant), { waitSeconds: 30 });
      if (status !== expected[load.variant].status) throw new Error(`${xid}: ${status}`);
      const end = performance.now();
      latencies.push(end - now);
      now = end;
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, caller));
  return latencies.sort((a, b) => a - b);
}

function checkWords(words: Words, variant: Variant, count: number): void {
  const tally: Record<string, number> = {};
  for (const word of words.values()) tally[word] = (tally[word] ?? 0) + 1;
  words.clear();
  const wrong = wrongEffects(tally, variant, count);
  if (wrong !== undefined) throw new Error(wrong);
}

async function measure(client: Embedded, words: Words, options: EmbedOptions, load: Load): Promise<EmbedPoint> {
  checkWords(
    words,
    load.variant,
    (await run(client, { ...load, ms: options.warmMs, prefix: `${load.prefix}w` })).length,
  );
  const cpu = process.cpuUsage();
  const script = scriptMicros();
  const begin = performance.now();
  const latencies = await run(client, load);
  const wallMs = performance.now() - begin;
  const scriptTook = scriptMicros() - script;
  const { user, system } = process.cpuUsage(cpu);
  const count = latencies.length;
  checkWords(words, load.variant, count);
  return {
    variant: load.variant,
    inFlight: load.inFlight,
    count,
    wallMs,
    perSecond: (count * 1000) / wallMs,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    cpuMicrosPerTransaction: (user + system) / count,
    scriptMicrosPerTransaction: scriptTook / count,
  };
}

/** CPU time of the main thread, as Linux counts it. */
function scriptMicros(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
  } catch {
    return Number.NaN;
  }
}

/** Every point once, on one fresh store. Rejects when a transaction came out wrong. */
export async function benchEmbedded(options: EmbedOptions, progress: (line: string) => void): Promise<EmbedPoint[]> {
  const dir = mkdtempSync(join(options.dir, 'concordat-bench-'));
  const words: Words = new Map();
  try {
    const store = options.memory ? 'sqlite::memory:' : `sqlite:${join(dir, 'bench.db')}`;
    const client = await embed({ store, participants: services(words), log: 'error' });
    const points: EmbedPoint[] = [];
    for (const variant of options.variants) {
      for (const inFlight of options.inFlight) {
        const load = { variant, inFlight, ms: options.ms, prefix: `${variant}-${inFlight}` };
        const point = await measure(client, words, options, load);
        points.push(point);
        progress(told(point));
      }
    }
    await client.close();
    return points;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const told = (point: EmbedPoint): string =>
  `embed  ${point.variant.padEnd(6)}  ${String(point.inFlight).padStart(3)} in flight  ` +
  `${Math.round(point.perSecond)} tx/s  p50 ${point.p50.toFixed(2)} ms  p99 ${point.p99.toFixed(2)} ms  ` +
  `CPU ${point.cpuMicrosPerTransaction.toFixed(0)} µs a transaction, ${point.scriptMicrosPerTransaction.toFixed(0)} µs of them JavaScript`;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    options: {
      ms: text,
      'warm-ms': text,
      'in-flight': text,
      variants: text,
      dir: text,
      memory: flag,
      json: flag,
      help: flag,
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const options: EmbedOptions = {
    ms: Number(values.ms ?? 4000),
    warmMs: Number(values['warm-ms'] ?? 3000),
    inFlight: (values['in-flight'] ?? '1,64').split(',').map(Number),
    variants: variants.filter((variant) => (values.variants ?? 'commit,undo').split(',').includes(variant)),
    dir: values.dir ?? tmpdir(),
    memory: values.memory ?? false,
  };
  const points = await benchEmbedded(options, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(points, null, 2));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
