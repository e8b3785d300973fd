/**
 * The application's process: a coordinator inside it, handlers that only note what they were asked and have no fence, and
 * the callers. Started by hand it takes the bench's options and prints each point, for a profiler:
 * `node --cpu-prof dist/test/bench/embed.js --variants commit --in-flight 64`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { participant as define, Refused, saga } from 'concordat';
import { type Embedded, embed } from 'concordat/coordinator';
import { carryOut, type Load, type LoadResult } from './load.js';
import { readOptions } from './options.js';
import { answerParent } from './parent.js';
import {
  letterOf,
  participant,
  planOf,
  type StepInput,
  type StepName,
  statuses,
  steps,
  type Tally,
  Words,
  wordOf,
  wrongEffects,
} from './work.js';

/** Opens the store of this address, carries out a load, or tells what came since the last time. */
export type Ask = { readonly store: string } | Load | 'tally';

const words = new Words();

const handlerOf = (step: StepName) =>
  saga({
    fence: 'none',
    async action({ refuse }: StepInput, { xid }) {
      const refused = refuse && step === 'stock';
      words.note(xid, letterOf(`/${step}/action`, refused));
      if (refused) throw new Refused('out of stock');
      return { ok: true, xid };
    },
    async compensate(_input, { xid }) {
      words.note(xid, letterOf(`/${step}/compensate`, false));
    },
  });

const handlers = Object.fromEntries(steps.map((step) => [step, handlerOf(step)]));

const open = (store: string): Promise<Embedded> =>
  embed({ store, participants: [define({ name: participant, handlers })], log: 'error' });

const run = (client: Embedded, load: Load): Promise<LoadResult> =>
  carryOut(load, async (xid) => {
    const { status } = await client.submit(planOf(xid, load.variant), { waitSeconds: 30 });
    if (status !== statuses[load.variant]) throw new Error(`${xid}: ${status}`);
  });

let application: Embedded | undefined;

async function answer(ask: Ask): Promise<LoadResult | Tally | undefined> {
  if (ask === 'tally') return words.take();
  if ('store' in ask) application = await open(ask.store);
  else if (application) return run(application, ask);
  return undefined;
}

/** Without processes around it. Rejects when a transaction came out wrong. */
async function byHand(args: readonly string[]): Promise<void> {
  const { variants, inFlight, dir: parent, ms, warmUpMs } = readOptions(args);
  const dir = mkdtempSync(join(parent, 'concordat-bench-'));
  const client = await open(`sqlite:${join(dir, 'bench.db')}`);
  for (const variant of variants) {
    for (const flying of inFlight) {
      const load = { variant, inFlight: flying, ms, prefix: `${variant}-${flying}` };
      const warm = await run(client, { ...load, ms: warmUpMs, prefix: `${load.prefix}w` });
      const { count, wallMs, p50, p99 } = await run(client, load);
      const wrong = wrongEffects(words.take(), wordOf('embed', variant), warm.count + count);
      if (wrong !== undefined) throw new Error(wrong);
      console.log(variant, flying, 'in flight', { perSecond: Math.round((count * 1000) / wallMs), p50, p99 });
    }
  }
  await client.close();
  rmSync(dir, { recursive: true, force: true });
}

if (process.send) answerParent(answer);
else await byHand(process.argv.slice(2));
