import { defaults } from '../../sdk/protocol/limits.js';
import { logLevels, roles } from './values.js';

export interface Setting {
  readonly env: string;
  /** With its argument, as `--help` shows it; undefined where only the environment has it. */
  readonly flag: string | undefined;
  /** As text, in the form that the environment would have it; undefined: none. */
  readonly default: string | undefined;
  readonly description: string;
  /** Stays out of flags, of the config file and of every message. */
  readonly secret?: true;
}

const ms = (env: string, flag: string, value: number, description: string): Setting => ({
  env,
  flag: `--${flag} <ms>`,
  default: String(value),
  description,
});

/** Every setting by its name in `concordat.config.json`. `--help` and the documentation are made from this table. */
export const settings = Object.freeze({
  store: {
    env: 'CONCORDAT_STORE',
    flag: '--store <address>',
    default: 'sqlite:concordat.db',
    description:
      'where transactions are kept: sqlite:PATH, sqlite::memory: or postgres://user:password@host:port/database',
  },
  queue: {
    env: 'CONCORDAT_QUEUE',
    flag: '--queue <address>',
    default: 'memory',
    description: 'what carries commands: memory',
  },
  listen: {
    env: 'CONCORDAT_LISTEN',
    flag: '--listen <host:port>',
    default: '127.0.0.1:8090',
    description: 'where to listen; port 0 takes a free one; beyond loopback only with API keys or --insecure',
  },
  apiKeys: {
    env: 'CONCORDAT_API_KEYS',
    flag: undefined,
    default: undefined,
    description: `API keys, name:role:key separated by commas; roles: ${roles.join(', ')}; with name:role/participant/…:key a key registers these participants only`,
    secret: true,
  },
  apiKeysFile: {
    env: 'CONCORDAT_API_KEYS_FILE',
    flag: '--api-keys-file <path>',
    default: undefined,
    description: 'file with API keys, one name:role:key or name:role/participant/…:key a line',
  },
  allow: {
    env: 'CONCORDAT_ALLOW',
    flag: '--allow <origins>',
    default: undefined,
    description:
      'origins that commands may be sent to beside loopback, separated by commas, such as https://*.example.com',
  },
  signingSecret: {
    env: 'CONCORDAT_SIGNING_SECRET',
    flag: undefined,
    default: undefined,
    description: 'secrets that commands are signed with, whsec_…, several separated by spaces while they rotate',
    secret: true,
  },
  signingSecretFile: {
    env: 'CONCORDAT_SIGNING_SECRET_FILE',
    flag: '--signing-secret-file <path>',
    default: undefined,
    description: 'file with the signing secrets',
  },
  leaseMs: ms(
    'CONCORDAT_LEASE_MS',
    'lease-ms',
    defaults.leaseMs,
    'after this long without a sign of life another coordinator takes over',
  ),
  sweepMs: ms('CONCORDAT_SWEEP_MS', 'sweep-ms', defaults.sweepMs, 'how often to look for what is due'),
  callMs: ms('CONCORDAT_CALL_MS', 'call-ms', defaults.callMs, 'how long one call to a participant may take in all'),
  participantConcurrency: {
    env: 'CONCORDAT_PARTICIPANT_CONCURRENCY',
    flag: '--participant-concurrency <count>',
    default: String(defaults.concurrency),
    description: 'calls at once to one participant that no other limit was set for',
  },
  workMax: {
    env: 'CONCORDAT_WORK_MAX',
    flag: '--work-max <count>',
    default: '1000',
    description: 'transactions with something for this process to do at once; with more, new ones are answered 429',
  },
  parkAfterMs: ms(
    'CONCORDAT_PARK_AFTER_MS',
    'park-after-ms',
    defaults.parkAfterMs,
    'how long a commit or rollback op is retried before its branch parks',
  ),
  pendingForMs: ms(
    'CONCORDAT_PENDING_FOR_MS',
    'pending-for-ms',
    defaults.pendingForMs,
    'how long a participant may answer "pending" to one op',
  ),
  attemptsMax: {
    env: 'CONCORDAT_ATTEMPTS_MAX',
    flag: '--attempts-max <count>',
    default: String(defaults.retry.attemptsMax),
    description: 'attempts of a forward op before it is given up',
  },
  retentionMs: {
    env: 'CONCORDAT_RETENTION_MS',
    flag: '--retention-ms <ms>',
    default: undefined,
    description: 'how long finished transactions are kept; without it for ever',
  },
  tombstoneMs: ms(
    'CONCORDAT_TOMBSTONE_MS',
    'tombstone-ms',
    30 * 24 * 3600 * 1000,
    'how long the xid of a transaction that was purged stays taken',
  ),
  stopGraceMs: ms('CONCORDAT_STOP_GRACE_MS', 'stop-grace-ms', 10_000, 'how long stopping waits for what is in flight'),
  logLevel: {
    env: 'CONCORDAT_LOG_LEVEL',
    flag: '--log-level <level>',
    default: 'info',
    description: `how much to log on standard error: ${logLevels.join(', ')}`,
  },
  twoPersons: {
    env: 'CONCORDAT_TWO_PERSONS',
    flag: '--two-persons',
    default: 'false',
    description: 'a branch is decided by hand only when a second operator, with another key, asks for the same',
  },
  insecure: {
    env: 'CONCORDAT_INSECURE',
    flag: '--insecure',
    default: 'false',
    description: 'trust whoever reaches the port: listen beyond loopback without API keys',
  },
} as const satisfies Record<string, Setting>);

export type SettingName = keyof typeof settings;
export const settingNames = Object.keys(settings) as readonly SettingName[];
