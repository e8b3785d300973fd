/**
 * Keys and signing secrets that change while the coordinator runs. What is wrong with the new ones leaves the present ones
 * in place: nobody is locked out by a mistake, and no mistake opens the door.
 */
import { stat } from 'node:fs/promises';
import { planted } from '#faults';
import type { Clock } from './clock.js';
import type { ApiKey, Config } from './config.js';
import { type Sign, type Signing, signer } from './dispatch/sign.js';
import type { Keyring } from './http/keys.js';
import type { Log } from './observe/log.js';
import type { AuditEntry, Store } from './store/store.js';

export interface Rotation {
  /** Reads them again now. */
  reload(): void;
  stop(): void;
}

export interface RotationParts {
  readonly config: Config;
  /** Throws ConfigError. */
  readonly reread: () => Config;
  readonly keys: Pick<Keyring, 'replace'>;
  readonly signing: Signing;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<Store, 'record'>;
}

type InUse = Pick<Config, 'apiKeys' | 'signingSecrets'>;

/** How often the files are looked at. One that changed is read once it stayed as it is for so long. */
const lookMs = 1000;

export function rotationOf(parts: RotationParts): Rotation {
  const secrets = new Secrets(parts);
  const { config, clock } = parts;
  /** The files as they were at the last look, and when they were read. Read at first: they may have changed since. */
  let seen = '';
  let read = '';
  let isStopped = false;

  const look = async (): Promise<void> => {
    const now = (await Promise.all(config.secretFiles.map(stampOf))).join(' ');
    // One that is still being written is not read: half a key is a key too.
    const isSettled = now === seen;
    seen = now;
    if (isStopped) return;
    if (isSettled && now !== read) {
      read = now;
      secrets.reload();
    }
    await secrets.recordAll();
  };

  let cancel: () => void = () => undefined;
  const lookLater = (): void => {
    cancel = clock.after(lookMs, () => void look().then(() => isStopped || lookLater()));
  };
  if (config.secretFiles.length > 0) lookLater();
  return {
    reload: () => secrets.reload(),
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

class Secrets {
  readonly #parts: RotationParts;
  #present: InUse;
  readonly #unrecorded: AuditEntry[] = [];

  constructor(parts: RotationParts) {
    this.#parts = parts;
    this.#present = parts.config;
  }

  reload(): void {
    const { reread, log } = this.#parts;
    try {
      const next = reread();
      refuseOpening(this.#present, next);
      const sign = signer(next.signingSecrets);
      if (!isSame(this.#present, next)) this.#takeOver(next, sign);
    } catch (error) {
      log.error({ error: String(error) }, 'keys and secrets were not reloaded: the present ones stay');
    }
  }

  #takeOver(next: InUse, sign: Sign | undefined): void {
    const { keys, signing, clock, log } = this.#parts;
    const detail = changes(this.#present, next);
    keys.replace(next.apiKeys);
    if (!planted('keys-of-the-start')) signing.sign = sign;
    this.#present = next;
    log.info({ ...detail, keys: next.apiKeys.map(({ name, role }) => ({ name, role })) }, 'keys and secrets reloaded');
    const nobody = { by: 'system', role: 'system', xid: null, participant: null, requestId: null };
    this.#unrecorded.push({ ...nobody, at: clock.now(), action: 'reload_keys', detail: JSON.stringify(detail) });
    void this.recordAll();
  }

  /** A key is revoked at once, whether or not the store can be told; that is made up for. */
  async recordAll(): Promise<void> {
    const { store, log } = this.#parts;
    for (const entry of this.#unrecorded.splice(0)) {
      await store.record(entry).catch((error: unknown) => {
        if (this.#unrecorded.length < unrecordedMax) this.#unrecorded.push(entry);
        log.warn({ error: String(error) }, 'the reload of keys is not in the audit yet');
      });
    }
  }
}

const unrecordedMax = 100;

const stampOf = (path: string): Promise<string> =>
  stat(path).then(
    ({ mtimeMs, size, ino }) => `${mtimeMs}/${size}/${ino}`,
    () => 'gone',
  );

/** Throws where fewer would be asked for a key, or commands go unsigned, than before. */
function refuseOpening(present: InUse, next: InUse): void {
  if (planted('a-bad-file-opens-the-door')) return;
  for (const name of ['apiKeys', 'signingSecrets'] as const) {
    if (present[name].length > 0 && next[name].length === 0)
      throw new Error(
        `${name}: expected at least one, as there are some now, got none; stop the coordinator to do without`,
      );
  }
}

function isSame(present: InUse, next: InUse): boolean {
  return (
    JSON.stringify([present.apiKeys, present.signingSecrets]) === JSON.stringify([next.apiKeys, next.signingSecrets])
  );
}

/** By name; of keys and secrets themselves nothing is told. */
function changes(present: InUse, next: InUse) {
  const find = (keys: readonly ApiKey[], wanted: string) => keys.find(({ name }) => name === wanted);
  const names = (keys: readonly ApiKey[]) => keys.map(({ name }) => name);
  return {
    added: names(next.apiKeys.filter(({ name }) => !find(present.apiKeys, name))),
    removed: names(present.apiKeys.filter(({ name }) => !find(next.apiKeys, name))),
    changed: names(next.apiKeys).filter((name) => {
      const before = find(present.apiKeys, name);
      return before && JSON.stringify(before) !== JSON.stringify(find(next.apiKeys, name));
    }),
    signingSecrets: next.signingSecrets.length,
  };
}
