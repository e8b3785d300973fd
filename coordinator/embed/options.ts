import type { LogLevel } from '../config/values.js';
import { type Config, ConfigError, configFrom } from '../config.js';
import type { Log } from '../observe/log.js';

/**
 * What an embedded coordinator is told. Names and defaults are those of the configuration of `concordat serve`; durations
 * are milliseconds. Neither the environment nor files are read.
 */
export interface EmbedOptions {
  /**
   * Where transactions are kept: `sqlite:PATH`, `postgres://user:password@host:port/database`, or `sqlite::memory:` for tests.
   * One store belongs to one application: what a process leaves undone when it dies, the next one that embeds the same
   * store with the same participants takes up.
   */
  readonly store: string;
  /** Instances of decorated classes, or what `participant(…)` returned. Their names are known to this coordinator only. */
  readonly participants: readonly object[];
  /** What carries commands. Only `memory` in this version. */
  readonly queue?: string;
  /** `host:port` to serve the HTTP API as well, for the command line and for services beside this process. */
  readonly listen?: string;
  /** `name:role:key` or `name:role/participant/…:key`, for `listen`. Beyond loopback they are needed. */
  readonly apiKeys?: readonly string[];
  /** With `listen`: trust whoever reaches the port. */
  readonly insecure?: boolean;
  /** With `listen`: measure, and answer `GET /metrics`. Default: no. */
  readonly metrics?: boolean;
  /** Origins beside loopback that steps with a `url` may be sent to, such as `https://*.example.com`. */
  readonly allow?: readonly string[];
  /** `whsec_…`: what commands to a `url` are signed with. */
  readonly signingSecrets?: readonly string[];
  readonly callMs?: number;
  readonly attemptsMax?: number;
  readonly parkAfterMs?: number;
  readonly pendingForMs?: number;
  readonly leaseMs?: number;
  readonly sweepMs?: number;
  /** How long finished transactions are kept. Default: for ever. */
  readonly retentionMs?: number;
  /** How long the xid of a transaction that was purged stays taken. */
  readonly tombstoneMs?: number;
  /** How long `close()` waits for what is in flight. */
  readonly stopGraceMs?: number;
  /** A log such as pino's, or from which level on to write JSON lines to standard error. Default: `warn`. */
  readonly log?: Log | LogLevel;
}

const numbers = [
  'callMs',
  'attemptsMax',
  'parkAfterMs',
  'pendingForMs',
  'leaseMs',
  'sweepMs',
  'retentionMs',
  'tombstoneMs',
  'stopGraceMs',
] as const satisfies readonly (keyof EmbedOptions)[];

const names = [
  'store',
  'participants',
  'queue',
  'listen',
  'apiKeys',
  'insecure',
  'metrics',
  'allow',
  'signingSecrets',
  ...numbers,
  'log',
] as const satisfies readonly (keyof EmbedOptions)[];

/** Checked as the configuration is. Throws ConfigError, which names the option, what was expected and what came. */
export function configOfOptions(options: EmbedOptions): Config {
  if (typeof options !== 'object' || options === null)
    throw new ConfigError(`embed: expected options such as { store: 'sqlite:PATH', participants }, got ${options}`);
  const stray = Object.keys(options).find((name) => !(names as readonly string[]).includes(name));
  if (stray)
    throw new ConfigError(`${stray}: expected one of ${names.join(', ')}, got an option that embed does not have`);
  if (!Array.isArray(options.participants))
    throw new ConfigError(
      'participants: expected a list such as [new PaymentService(db)], or [] for none here, ' +
        `got ${options.participants === undefined ? 'nothing' : `one ${typeof options.participants}`}`,
    );
  const { store, queue, listen, apiKeys, insecure, allow, signingSecrets, log } = options;
  const given = {
    // Given as it is: without one there is none, whatever the command line would take.
    store: store ?? '',
    queue,
    listen,
    apiKeys: apiKeys?.join(','),
    insecure: insecure === undefined ? undefined : String(insecure),
    allow: allow?.join(','),
    signingSecret: signingSecrets?.join(' '),
    logLevel: typeof log === 'string' ? log : 'warn',
    ...Object.fromEntries(numbers.map((name) => [name, textOf(options[name])])),
  };
  return configFrom(given);
}

const textOf = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));
