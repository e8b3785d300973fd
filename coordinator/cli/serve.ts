import { Command, Option } from 'commander';
import {
  type Config,
  ConfigError,
  loadConfig,
  type Setting,
  type SettingName,
  settingNames,
  settings,
} from '../config.js';
import { allowList } from '../dispatch/allow.js';
import { signer } from '../dispatch/sign.js';
import { storeName } from '../store/name.js';
import { StoreError } from '../store/store.js';
import { exitCodes } from './exit.js';
import { say } from './print.js';

const examples = `
Each setting can also stand in concordat.config.json, .env or the environment; flags win.
Secrets (CONCORDAT_API_KEYS, CONCORDAT_SIGNING_SECRET) are never flags: use the environment or a file.

Examples:
  $ concordat serve
  $ concordat serve --store sqlite:/var/lib/concordat/concordat.db --listen 127.0.0.1:8090
  $ concordat serve --listen 0.0.0.0:8090 --api-keys-file /etc/concordat/keys
  $ concordat serve --allow https://*.internal.example.com,http://10.0.0.5:8080

The first line on standard output is JSON with the address it listens on; logs go to standard error.
SIGTERM stops it gracefully. SIGHUP, or a change of the files with keys and secrets, takes these over without a restart.`;

export function serveCommand(): Command {
  const command = new Command('serve').description('run a coordinator');
  for (const name of settingNames) {
    const setting: Setting = settings[name];
    if (setting.flag) command.addOption(optionOf(setting.flag, setting));
  }
  command.addHelpText('after', examples);
  return command.action((flags: Readonly<Record<string, string | true>>) => serve(flags));
}

function optionOf(flag: string, { env, description, default: value }: Setting): Option {
  const defaultText = value === undefined || value === 'false' ? '' : `, default: ${value}`;
  return new Option(flag, `${description} (${env}${defaultText})`);
}

async function serve(flags: Readonly<Record<string, string | true>>): Promise<void> {
  const given = Object.fromEntries(Object.entries(flags).map(([name, value]) => [name, String(value)]));
  const config = loadConfig({ flags: given });
  named('allow', () => allowList(config.allow));
  named('signingSecret', () => signer(config.signingSecrets));
  // Loaded here, so that the other commands need neither a database driver nor a server.
  const { run } = await import('../main.js');
  const running = await run(config, () => loadConfig({ flags: given })).catch((error: unknown) => {
    throw atStart(error, config);
  });
  say(JSON.stringify({ listening: running.url, pid: process.pid, store: config.store.kind, queue: config.queue.kind }));
  // Without such a file there is nothing to read again, and whoever closes the terminal means the end.
  if (config.secretFiles.length > 0) process.on('SIGHUP', () => running.reload());
  const signal = new Promise<undefined>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(undefined));
  });
  const broken = await Promise.race([signal, running.broken]);
  if (broken) {
    // Whoever supervises starts it again, on a store that is opened and checked anew.
    console.error(`concordat: the store can no longer be trusted: ${broken.message}`);
    process.exit(exitCodes.broken);
  }
  // A second signal finds no handler and ends the process at once.
  await running.stop();
  process.exit(0);
}

/** Why it did not start, under the name of the setting that leads there. */
function atStart(error: unknown, { store, listen }: Config): unknown {
  if (error instanceof StoreError) {
    return new Error(
      `store (${store.kind === 'sqlite' ? 'sqlite:' : ''}${storeName(store)}): expected a store that can be opened, got: ${error.message}`,
    );
  }
  const { syscall, message } = error as NodeJS.ErrnoException;
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return error;
  return new Error(`listen (${listen.host}:${listen.port}): expected a free address of this machine, got ${message}`);
}

/** What only the rooms themselves can check, under the name of its setting. */
function named(name: SettingName, parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    throw new ConfigError(`${name} (${settings[name].env}): ${error instanceof Error ? error.message : String(error)}`);
  }
}
