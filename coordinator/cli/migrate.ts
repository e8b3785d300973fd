/** `concordat migrate`: brings a store to the schema of this version. */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { systemChance, systemClock } from '../clock.js';
import type { StoreAddress } from '../config.js';
import { emptySchema } from '../store/facts.js';
import { storeName } from '../store/name.js';
import { exitCodes } from './exit.js';
import { json, safe, say } from './print.js';
import { addressOf, configFor, livingOn, type OnStore, onStore } from './store-path.js';
import { counted } from './times.js';

const examples = `
"concordat serve" brings its store up to date by itself when it starts. This is for those who want to see it done
before: after a back-up, with every coordinator stopped. All steps are one transaction: killed half-way, the store is as
it was. A file is refused while a coordinator runs on it; of a PostgreSQL store older coordinators go on meanwhile. A store
of a newer version is refused.
--check changes nothing: it ends with 0 when the store is up to date, and with 1 when there are steps to run.

Examples:
  $ concordat migrate --check
  $ concordat migrate --store sqlite:/var/lib/concordat/concordat.db`;

interface MigrateOptions extends OnStore {
  readonly check?: true;
}

export const migrateCommand = (): Command =>
  onStore('migrate', 'bring a store to the schema of this version')
    .option('--check', 'only say which steps would run')
    .addHelpText('after', examples)
    .action(migrate);

interface Report {
  readonly store: string;
  readonly from: number;
  readonly to: number;
  readonly steps: readonly string[];
  readonly done: boolean;
}

async function migrate(options: MigrateOptions): Promise<void> {
  // Loaded here, so that the other commands need no database driver.
  const { schemaOf } = await import('../store/open.js');
  const address = addressOf(configFor(options));
  const path = storeName(address);
  const before = (await schemaOf(address)) ?? emptySchema;
  const report = { store: path, from: before.version, to: before.known, steps: before.pending };
  if (before.pending.length === 0)
    return tell(options, { ...report, done: true }, `${path} is up to date: schema ${before.known}`);
  if (options.check) {
    process.exitCode = exitCodes.no;
    const steps = before.pending.map((name) => `\n  ${name}`).join('');
    const what =
      before.version === 0 ? 'is not there yet' : `has schema ${before.version}, this version needs ${before.known}`;
    return tell(options, { ...report, done: false }, `${path} ${what}; to run:${steps}`);
  }
  // Of a server's store every step leaves older versions at work, until all of them are gone.
  if (address.kind === 'sqlite') refuseInUse(before, path);
  const steps = await run(address, options.json === true);
  tell(
    options,
    { ...report, steps, done: true },
    `${path} is up to date: schema ${before.known}, ${counted(steps.length, 'step')}`,
  );
}

function refuseInUse(schema: Parameters<typeof livingOn>[0], path: string): void {
  const [living] = livingOn(schema, hostname(), systemClock().now());
  if (!living) return;
  throw new Error(
    `${path} is in use by coordinator ${living.id} (process ${living.pid} on ${living.host}): stop it first, so that ` +
      'no older version works on the new schema',
  );
}

/** A line a step, with the time that it took. */
async function run(address: StoreAddress, isQuiet: boolean): Promise<readonly string[]> {
  const { upgradeStore } = await import('../store/open.js');
  const clock = systemClock();
  const begun: { readonly name: string; readonly at: number }[] = [];
  const endLast = (): void => {
    const last = begun.at(-1);
    if (last && !isQuiet) process.stdout.write(` ${Math.round(clock.monotonic() - last.at)} ms\n`);
  };
  await upgradeStore(address, systemChance(), (name) => {
    endLast();
    begun.push({ name, at: clock.monotonic() });
    if (!isQuiet) process.stdout.write(`${name} …`);
  });
  endLast();
  return begun.map(({ name }) => name);
}

function tell(options: OnStore, report: Report, text: string): void {
  say(
    options.json
      ? json(report)
      : text
          .split('\n')
          .map((line) => (line.startsWith('  ') ? `  ${safe(line, 200)}` : safe(line, 400)))
          .join('\n'),
  );
}
