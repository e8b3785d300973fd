/** What commands share that talk to a coordinator. */
import { Command } from 'commander';
import { type Client, connect } from '../../sdk/client/client.js';
import { clientSettings } from '../config.js';
import { UsageError } from './exit.js';

export interface Shared {
  readonly url?: string;
  readonly json?: true;
}

/** A command that talks to a coordinator; `usage` is its name and its arguments. */
export function talking(usage: string, description: string): Command {
  const [name, ...parameters] = usage.split(' ');
  const command = new Command(name).description(description);
  for (const parameter of parameters) command.argument(parameter);
  return command
    .option('--url <url>', 'address of the coordinator (CONCORDAT_URL, default: http://127.0.0.1:8090)')
    .option('--json', 'JSON for machines instead of a table');
}

export async function withClient(shared: Shared, work: (client: Client) => Promise<void>): Promise<void> {
  const client = connectTo(shared);
  try {
    await work(client);
  } finally {
    await client.close();
  }
}

/** Where the coordinator is, and the key for it. */
export function addressOf({ url }: Shared): { readonly url: string; readonly apiKey: string | undefined } {
  const { url: configured = 'http://127.0.0.1:8090', apiKey } = clientSettings();
  return { url: url ?? configured, apiKey };
}

function connectTo(shared: Shared): Client {
  const { url, apiKey } = addressOf(shared);
  return rightly(() => connect({ url, ...(apiKey !== undefined && { apiKey }) }));
}

/** What a wrong option throws is a wrong argument of the command. */
export function rightly<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
