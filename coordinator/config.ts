/**
 * The configuration, and the only place that reads the environment. The last wins: defaults, `concordat.config.json`,
 * `.env`, environment, flags. Secrets come from the environment, `.env` or files of their own, never from flags.
 */
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { type Backoff, defaults, limits, type Retry } from '../sdk/protocol/limits.js';
import { type Setting, type SettingName, settingNames, settings } from './config/settings.js';
import { type AllGiven, entry, flagName, fromEnv, fromFile, type Given } from './config/sources.js';
import {
  type ApiKey,
  ConfigError,
  isLoopback,
  keysFileOf,
  keysOf,
  type LogLevel,
  listenOf,
  listOf,
  logLevels,
  oneOf,
  queueOf,
  readOptional,
  type StoreAddress,
  secretsFileOf,
  storeOf,
  Unexpected,
  wholeFrom,
  wordsOf,
  yesOrNo,
} from './config/values.js';

export { type Setting, type SettingName, settingNames, settings } from './config/settings.js';
export { type ApiKey, ConfigError, type Role, type StoreAddress } from './config/values.js';

export interface Config {
  readonly store: StoreAddress;
  readonly queue: { readonly kind: 'memory' };
  readonly listen: { readonly host: string; readonly port: number };
  readonly apiKeys: readonly ApiKey[];
  readonly insecure: boolean;
  /** Origins beside loopback that commands may be sent to. */
  readonly allow: readonly string[];
  readonly signingSecrets: readonly string[];
  /** The files that keys and secrets were read from. */
  readonly secretFiles: readonly string[];
  /** Whether what an operator decides by hand needs a second one. */
  readonly twoPersons: boolean;
  readonly leaseMs: number;
  readonly sweepMs: number;
  /** Calls at once to a participant that nobody set a limit for. */
  readonly participantConcurrency: number;
  /** Transactions with something to do here at once, beyond which no more are let in. */
  readonly workMax: number;
  /** What holds for new transactions that do not say otherwise. */
  readonly policy: {
    readonly retry: Retry;
    readonly callMs: number;
    readonly backoff: Backoff;
    readonly parkAfterMs: number;
    readonly pendingForMs: number;
    readonly crashesMax: number;
  };
  /** How long a finished transaction is kept; null: for ever. */
  readonly retentionMs: number | null;
  /** How long the xid of a transaction that was purged stays taken. */
  readonly tombstoneMs: number;
  /** How long stopping waits for what is in flight. */
  readonly stopGraceMs: number;
  readonly logLevel: LogLevel;
}

export interface Sources {
  /** By the setting's name, as the command line has them. */
  readonly flags?: Partial<Record<SettingName, string>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where `.env` and `concordat.config.json` are looked for. */
  readonly directory?: string;
}

/** Reads and checks the whole configuration. Throws {@link ConfigError}. */
export function loadConfig({ flags = {}, env = process.env, directory = process.cwd() }: Sources = {}): Config {
  const given: AllGiven = new Map([
    ...settingNames.flatMap((name) => entry(name, (settings[name] as Setting).default, 'its default')),
    ...fromFile(join(directory, 'concordat.config.json')),
    ...fromEnv(dotenvOf(directory), ' in .env'),
    ...fromEnv(env, ''),
    ...settingNames.flatMap((name) => entry(name, flags[name], flagName(name))),
  ]);
  return configOf(given);
}

/** The configuration as a program gives it, over the defaults: neither the environment nor files are read. Throws {@link ConfigError}. */
export const configFrom = (values: Partial<Record<SettingName, string>>): Config =>
  configOf(
    new Map(
      settingNames.flatMap((name) => [
        ...entry(name, (settings[name] as Setting).default, 'its default'),
        ...entry(name, values[name], 'option'),
      ]),
    ),
  );

/** Where the commands find the coordinator, and the key for it; what neither `.env` nor the environment says is left out. */
export function clientSettings({ env = process.env, directory = process.cwd() }: Omit<Sources, 'flags'> = {}): {
  readonly url?: string;
  readonly apiKey?: string;
} {
  const dotenv = dotenvOf(directory);
  const url = env.CONCORDAT_URL || dotenv.CONCORDAT_URL;
  const apiKey = env.CONCORDAT_API_KEY || dotenv.CONCORDAT_API_KEY;
  return { ...(url && { url }), ...(apiKey && { apiKey }) };
}

function dotenvOf(directory: string): Readonly<Record<string, string | undefined>> {
  const text = readOptional(join(directory, '.env'));
  return text === undefined ? {} : parseEnv(text);
}

function configOf(given: AllGiven): Config {
  const read = <T>(name: SettingName, parse: (text: string) => T): T | undefined => {
    const found = given.get(name);
    if (!found) return undefined;
    try {
      return parse(found.text);
    } catch (error) {
      if (error instanceof Unexpected) throw new ConfigError(`${name} (${found.from}): ${error.message}`);
      throw error;
    }
  };
  const need = <T>(name: SettingName, parse: (text: string) => T): T => {
    const value = read(name, parse);
    if (value === undefined) throw new ConfigError(`${name}: expected a value, got none`);
    return value;
  };
  const config: Config = {
    store: need('store', storeOf),
    queue: need('queue', queueOf),
    listen: need('listen', listenOf),
    apiKeys: unique([...(read('apiKeys', keysOf) ?? []), ...(read('apiKeysFile', keysFileOf) ?? [])]),
    insecure: need('insecure', yesOrNo),
    allow: read('allow', listOf) ?? [],
    signingSecrets: [...(read('signingSecret', wordsOf) ?? []), ...(read('signingSecretFile', secretsFileOf) ?? [])],
    secretFiles: (['apiKeysFile', 'signingSecretFile'] as const).flatMap((name) => given.get(name)?.text ?? []),
    twoPersons: need('twoPersons', yesOrNo),
    leaseMs: need('leaseMs', wholeFrom(100)),
    sweepMs: need('sweepMs', wholeFrom(10)),
    workMax: need('workMax', wholeFrom(1)),
    participantConcurrency: need('participantConcurrency', wholeFrom(1, limits.concurrencyMax)),
    policy: policyOf(need),
    retentionMs: read('retentionMs', wholeFrom(1000)) ?? null,
    tombstoneMs: need('tombstoneMs', wholeFrom(1000)),
    stopGraceMs: need('stopGraceMs', wholeFrom(0)),
    logLevel: need('logLevel', oneOf(logLevels)),
  };
  refuseWide(config, given.get('listen'));
  refuseLonely(config);
  return config;
}

function policyOf(need: <T>(name: SettingName, parse: (text: string) => T) => T): Config['policy'] {
  const retry: Retry = { ...defaults.retry, attemptsMax: need('attemptsMax', wholeFrom(1)) };
  return Object.freeze({
    retry,
    callMs: need('callMs', wholeFrom(1)),
    backoff: defaults.backoff,
    parkAfterMs: need('parkAfterMs', wholeFrom(0)),
    pendingForMs: need('pendingForMs', wholeFrom(0)),
    crashesMax: defaults.crashesMax,
  });
}

function unique(keys: readonly ApiKey[]): readonly ApiKey[] {
  const twice = keys.find(({ name }, index) => keys.findIndex((other) => other.name === name) !== index);
  if (twice) throw new ConfigError(`apiKeys: expected each name once, got ${JSON.stringify(twice.name)} twice`);
  const shared = keys.find(({ key }, index) => keys.findIndex((other) => other.key === key) !== index);
  // Whoever presents it would be taken for the first of the two.
  if (shared)
    throw new ConfigError(`apiKeys: expected a key of its own for ${JSON.stringify(shared.name)}, got another's`);
  return keys;
}

function refuseWide({ listen: { host }, apiKeys, insecure }: Config, given: Given | undefined): void {
  if (isLoopback(host) || apiKeys.length > 0 || insecure) return;
  throw new ConfigError(
    `listen (${given?.from}): expected a loopback address, as there are no API keys, got ${JSON.stringify(host)}; ` +
      'set CONCORDAT_API_KEYS or --api-keys-file, or say --insecure to trust whoever reaches the port',
  );
}

/** Where two persons are needed there must be two. */
function refuseLonely({ twoPersons, apiKeys }: Config): void {
  const operators = apiKeys.filter(({ role }) => role === 'operator' || role === 'admin');
  if (!twoPersons || operators.length > 1) return;
  throw new ConfigError(
    `twoPersons: expected API keys of at least two operators or admins, as one alone cannot decide, got ${operators.length}`,
  );
}
