/** `concordat tx …`: looking at transactions and moving those that are stuck. */
import { Command, Option } from 'commander';
import { limits } from '../../sdk/protocol/limits.js';
import { type TransactionStatus, transactionStatuses } from '../../sdk/protocol/views.js';
import { UsageError } from './exit.js';
import { json, say, table } from './print.js';
import { eventLines, transactionLines } from './show.js';
import { type Shared, talking, withClient } from './talking.js';
import { watchCommand } from './watch.js';

const listExamples = `
Examples:
  $ concordat tx list --status parked
  $ concordat tx list --status active --status committing --limit 20
  $ concordat tx list --status parked --participant payment
  $ concordat tx list --business-key order-1042 --json | jq '.items[].xid'`;

const resolveExamples = `
Says by hand how the parked op of a branch ended, after you looked at the participant.
"done": it took effect. "skipped": it did not, and shall not; the transaction goes on without it.
Where the coordinator wants two persons, a second operator runs the same with another key.

Examples:
  $ concordat tx show order-1042
  $ concordat tx resolve order-1042 --branch 2 --as done --reason "refunded by hand, ticket 77"
  $ concordat tx resolve order-1042 --branch 2 --as skipped --reason "nothing was charged"`;

export function txCommand(): Command {
  const tx = new Command('tx').description('look at transactions and move those that are stuck');
  tx.addHelpText('after', '\nThe coordinator is found by --url or CONCORDAT_URL, the key for it in CONCORDAT_API_KEY.');
  tx.addCommand(listCommand());
  tx.addCommand(
    talking('show <xid>', 'show one transaction: its branches, and what it waits for')
      .option('--events', 'its log too')
      .action(show),
  );
  tx.addCommand(
    talking('retry <xid>', 'try its outstanding commands now, parked ones too').action((xid: string, shared: Shared) =>
      withClient(shared, async (client) => print(shared, await client.retry(xid))),
    ),
  );
  tx.addCommand(watchCommand());
  tx.addCommand(resolveCommand());
  tx.addCommand(
    talking('rollback <xid>', 'decide to roll it back')
      .option('--reason <text>', 'why, for the log')
      .action((xid: string, options: Shared & { reason?: string }) =>
        withClient(options, async (client) =>
          print(options, await client.rollback(xid, { ...(options.reason && { reason: options.reason }) })),
        ),
      ),
  );
  return tx;
}

type View = Parameters<typeof transactionLines>[0];

function print(shared: Shared, view: View): void {
  say(shared.json ? json(view) : transactionLines(view));
}

function show(xid: string, options: Shared & { readonly events?: true }): Promise<void> {
  return withClient(options, async (client) => {
    const view = await client.get(xid);
    if (!options.events) return print(options, view);
    const events = await client.events(xid);
    say(options.json ? json({ ...view, events }) : `${transactionLines(view)}\n\n${eventLines(events)}`);
  });
}

interface ListOptions extends Shared {
  readonly status: readonly TransactionStatus[];
  readonly name?: string;
  readonly businessKey?: string;
  readonly participant?: string;
  readonly limit: string;
  readonly cursor?: string;
}

function listCommand(): Command {
  return talking('list', 'list transactions, newest first')
    .addOption(
      new Option('--status <status>', 'only these; may be repeated')
        .choices(transactionStatuses)
        .argParser(collect)
        .default([], 'all'),
    )
    .option('--name <name>', 'only of this name')
    .option('--business-key <key>', 'only of this business key')
    .option('--participant <name>', 'only with a branch of this participant')
    .option('--limit <count>', 'at most so many, up to 500', '50')
    .option('--cursor <cursor>', 'go on where the page before ended')
    .addHelpText('after', listExamples)
    .action((options: ListOptions) =>
      withClient(options, async (client) => {
        const { status, name, businessKey, participant, cursor } = options;
        const page = await client.list({
          status,
          limit: limitOf(options.limit),
          ...(name && { name }),
          ...(businessKey && { businessKey }),
          ...(participant && { participant }),
          ...(cursor && { cursor }),
        });
        if (options.json) return say(json(page));
        if (page.items.length === 0) return say('no transactions');
        const rows = page.items.map((item) => [
          item.xid,
          item.name,
          item.status,
          item.openedAt,
          item.durationMs,
          item.businessKey,
          item.reason,
        ]);
        say(table(['xid', 'name', 'status', 'opened', 'ms', 'business key', 'reason'], rows));
        if (page.nextCursor) say(`\nmore: --cursor ${page.nextCursor}`);
      }),
    );
}

function limitOf(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= limits.listMax) return limit;
  throw new UsageError(
    `--limit: expected a whole number from 1 to ${limits.listMax}, got ${JSON.stringify(text.slice(0, 40))}`,
  );
}

function collect(status: string, before: readonly string[]): readonly string[] {
  if (transactionStatuses.some((known) => known === status)) return [...before, status];
  throw new UsageError(`--status: expected one of ${transactionStatuses.join(', ')}, got ${JSON.stringify(status)}`);
}

interface ResolveOptions extends Shared {
  readonly branch: string;
  readonly as: 'done' | 'skipped';
  readonly reason: string;
  readonly output?: string;
}

function resolveCommand(): Command {
  return talking('resolve <xid>', 'decide a parked branch by hand')
    .requiredOption('--branch <number>', 'number of the parked branch')
    .addOption(new Option('--as <outcome>', 'how it ended').choices(['done', 'skipped']).makeOptionMandatory())
    .requiredOption('--reason <text>', 'why, for the log')
    .option('--output <json>', 'what the step returned, with --as done')
    .addHelpText('after', resolveExamples)
    .action((xid: string, options: ResolveOptions) =>
      withClient(options, async (client) => {
        const branch = /^[1-9]\d{0,5}$/.test(options.branch) ? Number(options.branch) : undefined;
        if (branch === undefined)
          throw new UsageError(`--branch: expected the number of a branch, got ${JSON.stringify(options.branch)}`);
        const { as, reason, output } = options;
        print(
          options,
          await client.resolve(xid, [
            { branch, as, reason, ...(output !== undefined && { output: outputOf(output) }) },
          ]),
        );
      }),
    );
}

function outputOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--output: expected JSON, got ${JSON.stringify(text.slice(0, 60))}`);
  }
}
