#!/usr/bin/env node
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findings } from './findings.js';
import { help, type Options, readOptions } from './options.js';
import { Processes } from './processes.js';
import { Progress } from './progress.js';
import { registered, registryText } from './registry.js';
import { checked, happened, lookFurther } from './report.js';
import { openShop } from './shop.js';
import { stream } from './stream.js';

const say = (text: string): void => {
  process.stdout.write(text);
};

/** Aborted by Ctrl-C; a second one does not wait for anything. */
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(new Error('interrupted'));
  });
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n${help}`);
    return 2;
  }
  if (options.help) {
    say(help);
    return 0;
  }
  const directory = makeDirectory(options.data);
  if (!directory) {
    process.stderr.write(`--data: expected an empty or new directory, got ${options.data}\n`);
    return 2;
  }
  const processes = new Processes(directory);
  let status = 1;
  try {
    status = await run(options, processes, directory);
  } catch (error) {
    if (!interrupted.signal.aborted) process.stderr.write(`\nThe demo failed: ${messageOf(error)}\n`);
    else status = 130;
  } finally {
    await processes.stop();
  }
  const keep = options.data !== undefined || status === 1;
  if (!keep) rmSync(directory, { recursive: true, force: true });
  say(`All processes are stopped; the data is ${keep ? `in ${directory}` : 'removed'}.\n`);
  return status;
}

async function run({ orders, exit }: Options, processes: Processes, directory: string): Promise<number> {
  say('Starting a coordinator and the order, payment and stock services, each with its own database …\n');
  const shop = await openShop(processes, directory, orders);
  for (const { name, url, pid } of [shop.coordinator, shop.order, shop.payment, shop.stock]) {
    say(`  ${name.padEnd(11)} ${url}  pid ${pid}\n`);
  }
  say(`Registered with the coordinator:\n${registryText(await registered(shop.coordinator.url, 3))}`);
  const progress = new Progress(orders);
  const streamed = await stream({ shop, orders, progress, signal: interrupted.signal }).finally(() => progress.stop());
  say(happened(streamed));
  const found = await findings(processes, shop, streamed.ended);
  say(checked(found));
  const holds = found.every(({ violations }) => violations.length === 0);
  say(`\n${holds ? 'Every invariant holds.' : 'NOT every invariant holds.'}\n\n${lookFurther(shop, !exit)}`);
  if (!exit) {
    say('\nEverything stays up until Ctrl-C.\n');
    if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort');
  }
  return holds ? 0 : 1;
}

/** Undefined when the directory has something in it: data of another run would be mistaken for this one's. */
function makeDirectory(data: string | undefined): string | undefined {
  if (data === undefined) return mkdtempSync(path.join(tmpdir(), 'concordat-demo-'));
  const directory = path.resolve(data);
  mkdirSync(directory, { recursive: true });
  return readdirSync(directory).length === 0 ? directory : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
