/** `concordat purge`: deletes finished transactions of a store. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { systemChance, systemClock } from '../clock.js';
import type { StoreAddress } from '../config.js';
import { storeName } from '../store/name.js';
import { json, safe, say } from './print.js';
import { progressOf } from './progress.js';
import { addressOf, configFor, type OnStore, onStore } from './store-path.js';
import { counted, pastOf } from './times.js';

const examples = `
Only what is committed, rolled back or resolved is deleted; what is under way or parked stays, however old it is.
It works on the store itself, beside a running coordinator too: in small commits, with pauses between them.
The xid of what was deleted stays taken for CONCORDAT_TOMBSTONE_MS (30 days): opened again it is answered with 409
transaction_purged, so that a request which comes late makes no second effect.
A coordinator does the same by itself where CONCORDAT_RETENTION_MS says how long to keep finished transactions.

Examples:
  $ concordat purge --finished-before 30d --dry-run
  $ concordat purge --finished-before 30d
  $ concordat purge --finished-before 2030-01-31T00:00:00Z --store sqlite:/var/lib/concordat/concordat.db`;

interface PurgeOptions extends OnStore {
  readonly finishedBefore: string;
  readonly dryRun?: true;
}

export const purgeCommand = (): Command =>
  onStore('purge', 'delete finished transactions')
    .requiredOption('--finished-before <time>', 'an ISO 8601 time, or an age such as 30d or 12h')
    .option('--dry-run', 'only count them')
    .addHelpText('after', examples)
    .action(purge);

/** A coordinator that runs beside it holds the store for some ms at a time. */
const busyTimeoutMs = 10_000;

async function purge(options: PurgeOptions): Promise<void> {
  const clock = systemClock();
  const before = pastOf('--finished-before', options.finishedBefore, clock.now());
  const config = configFor(options);
  const address = addressOf(config);
  const name = storeName(address);
  await refuseUnfit(address);
  const { openStore } = await import('../store/open.js');
  const { freeXids, purgeFinished } = await import('../store/purging.js');
  const store = await openStore(address, { chance: systemChance(), busyTimeoutMs });
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  try {
    const total = await store.purgeable(before);
    const finishedBefore = new Date(before).toISOString();
    if (options.dryRun) {
      const text = `would delete ${counted(total, 'transaction')} that finished before ${finishedBefore}`;
      return say(options.json ? json({ store: name, finishedBefore, dryRun: true, transactions: total }) : text);
    }
    // Before it begins: what is gone has its record, wherever it is cut off.
    const detail = JSON.stringify({ finishedBefore, transactions: total });
    await store.record({ ...byOperator(), at: clock.now(), action: 'purge', detail });
    const progress = progressOf('transaction', total, clock);
    const isStopped = (): boolean => stop.signal.aborted;
    const onProgress = (gone: number): void => progress.at(gone);
    const transactions = await purgeFinished({ store, clock, isStopped, onProgress }, before).finally(progress.stop);
    const xids = await freeXids({ store, clock, isStopped }, clock.now() - config.tombstoneMs);
    const report = {
      store: name,
      finishedBefore,
      dryRun: false,
      transactions,
      xidsFreed: xids,
      interrupted: isStopped(),
    };
    say(options.json ? json(report) : textOf(report));
    if (isStopped()) process.exitCode = 130;
  } finally {
    process.off('SIGINT', onSignal);
    await store.close();
  }
}

/** Whoever may write the file: what is done past the API is recorded under the name that the system has for them. */
const byOperator = () => {
  const { username } = userInfo();
  return { by: username, role: 'file', xid: null, participant: null, requestId: null };
};

interface Report {
  readonly transactions: number;
  readonly xidsFreed: number;
  readonly interrupted: boolean;
  readonly finishedBefore: string;
}

const textOf = ({ transactions, xidsFreed, interrupted, finishedBefore }: Report): string =>
  `${interrupted ? 'interrupted: ' : ''}deleted ${counted(transactions, 'transaction')} that finished before ${finishedBefore}` +
  (xidsFreed > 0 ? `; ${counted(xidsFreed, 'xid')} of earlier purges can be used again` : '');

/** Neither makes a store nor brings one up to date: that is for those commands that say so. */
async function refuseUnfit(address: StoreAddress): Promise<void> {
  const { schemaOf } = await import('../store/open.js');
  const name = storeName(address);
  const schema = await schemaOf(address);
  if (!schema) throw new Error(`expected a store, got nothing at ${safe(name, 400)}: name it with --store sqlite:PATH`);
  if (schema.pending.length === 0) return;
  throw new Error(
    `${safe(name, 400)} has schema ${schema.version}, this version needs ${schema.known}: run "concordat migrate"`,
  );
}
