/** Keeps this host known to the coordinator: registers its participants, and again before that runs out. */
import type { Calls } from '../client/calls.js';
import { mayBeDone } from '../client/reasons.js';
import { ConcordatError, type ErrorCode, errors } from '../protocol/errors.js';
import type { InstanceBody } from '../protocol/schemas.js';
import type { RegistrationView } from '../protocol/views.js';
import { atMost, type Clock } from './clock.js';
import type { CoordinatorTime } from './coordinator-time.js';
import type { ParticipantDefinition } from './handler.js';
import type { HostLog } from './log.js';

/** Of a client. */
export type Registry = Pick<Calls, 'registerInstance' | 'dropInstance'>;

export interface RegistrationParts {
  readonly registry: Registry;
  readonly definitions: readonly ParticipantDefinition[];
  /** Of this host; a new one at each start. */
  readonly id: string;
  /** Where a participant's commands are sent to. */
  readonly urlOf: (participant: string) => string;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly log: HostLog;
  /** UTC ms: what the coordinator says may not be cleaned. */
  readonly onFloor: (utcMs: number, origin: string) => void;
  /** Hears what time it is for the coordinator. */
  readonly time: Pick<CoordinatorTime, 'heard'>;
}

export interface Registration {
  /** Resolves when every participant has been registered. */
  readonly registered: Promise<void>;
  /** Takes the participants out of traffic, as far as the coordinator answers within `withinMs`. */
  stop(withinMs: number): Promise<void>;
}

/**
 * Registers all participants. Resolves also when no coordinator answers yet: that is tried again. Rejects with
 * ConcordatError when the coordinator refuses one of them.
 */
export async function register(parts: RegistrationParts): Promise<Registration> {
  const beats = parts.definitions.map((definition) => new Heartbeat(definition, parts));
  const all: Registration = {
    registered: Promise.all(beats.map(({ registered }) => registered)).then(() => undefined),
    async stop(withinMs) {
      await Promise.all(beats.map((beat) => beat.stop(withinMs)));
    },
  };
  const refusals = (await Promise.all(beats.map((beat) => beat.start()))).filter((refusal) => refusal !== undefined);
  const [refusal] = refusals;
  if (refusal === undefined) return all;
  await all.stop(dropAtStartMs);
  throw refusal;
}

const dropAtStartMs = 1000;

/** Pause after the first failure in a row; doubled after each, up to the rhythm of the heartbeat. */
const pauseMs = 500;

/** Keeps one participant of this host registered. */
class Heartbeat {
  readonly registered: Promise<void>;
  readonly #parts: RegistrationParts;
  readonly #name: string;
  readonly #body: InstanceBody;
  readonly #asking: ReturnType<typeof askingFor>;
  #beats = 0;
  #failures = 0;
  #stopped = false;
  #cancel: () => void = () => undefined;
  #resolveRegistered: () => void = () => undefined;

  constructor(definition: ParticipantDefinition, parts: RegistrationParts) {
    this.#parts = parts;
    this.#name = definition.name;
    this.#body = bodyOf(definition, parts);
    this.#asking = askingFor(parts.clock);
    this.registered = new Promise<void>((resolve) => {
      this.#resolveRegistered = resolve;
    });
  }

  /** Undefined, or why the coordinator does not want it. */
  start(): Promise<ConcordatError | undefined> {
    return this.#beat(true);
  }

  async stop(withinMs: number): Promise<void> {
    const { clock, id, log } = this.#parts;
    this.#stopped = true;
    this.#cancel();
    await atMost(withinMs, this.#drop(withinMs), clock).catch((error: unknown) =>
      log.warn({ participant: this.#name, id, error: String(error) }, partingFailed),
    );
  }

  async #beat(isFirst: boolean): Promise<ConcordatError | undefined> {
    const { registry, id, ttlMs, clock, log } = this.#parts;
    const rhythmMs = ttlMs / 3;
    const askedAt = clock.monotonic();
    const asked = registry.registerInstance(this.#name, id, this.#body);
    this.#asking.began(asked);
    try {
      this.#heard(await atMost(rhythmMs, asked, clock), askedAt);
      return undefined;
    } catch (error) {
      this.#failures++;
      this.#asking.failed(error);
      const refusal = refusalOf(error, this.#name, this.#body.url);
      const fields = { participant: this.#name, failures: this.#failures, error: String(error) };
      // At the start a refusal ends the host: its caller hears it.
      if (!isFirst || !refusal) log.warn(fields, 'not registered; it is tried again');
      return refusal;
    } finally {
      this.#schedule(this.#failures === 0 ? rhythmMs : Math.min(rhythmMs, pauseMs * 2 ** (this.#failures - 1)));
    }
  }

  #heard(view: RegistrationView, askedAt: number): void {
    const { id, log } = this.#parts;
    const fields = { participant: this.#name, id, url: this.#body.url, expiresAt: view.expiresAt };
    if (this.#failures > 0 || this.#beats === 0) log.info(fields, 'registered');
    this.#failures = 0;
    this.#beats++;
    passOn(view, askedAt, this.#parts);
    this.#resolveRegistered();
  }

  /** A tenth more or less, so that hosts that were started together do not stay together. */
  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const { id, clock } = this.#parts;
    const jitter = 0.9 + 0.2 * spread(`${id}/${this.#name}/${this.#beats}/${this.#failures}`);
    this.#cancel = clock.after(delayMs * jitter, () => void this.#beat(false));
  }

  async #drop(withinMs: number): Promise<void> {
    const { registry, id } = this.#parts;
    if (await this.#asking.mayBeThere(withinMs / 2)) await registry.dropInstance(this.#name, id);
  }
}

/** Keeps in mind whether the coordinator may have a registration, though it did not say so. */
function askingFor(clock: Clock) {
  let isThere = false;
  let inFlight: Promise<void> = Promise.resolve();
  const failed = (error: unknown): void => {
    if (mayBeDone(error)) isThere = true;
  };
  return {
    began(asked: Promise<unknown>): void {
      inFlight = asked.then(() => {
        isThere = true;
      }, failed);
    },
    /** That nobody waited any longer is one of these: such a request may arrive yet. */
    failed,
    /** The last one that is still on its way would register it again, and is waited for; one that hangs may be there. */
    async mayBeThere(withinMs: number): Promise<boolean> {
      await atMost(withinMs, inFlight, clock).catch(failed);
      return isThere;
    },
  };
}

const partingFailed = 'not taken out of traffic; its registration runs out';

/** What a registration says of the coordinator. */
function passOn(
  { origin, fenceFloor, expiresAt }: RegistrationView,
  askedAt: number,
  { onFloor, time, ttlMs }: RegistrationParts,
): void {
  const floor = Date.parse(fenceFloor);
  if (!Number.isNaN(floor)) onFloor(floor, origin);
  // Its clock counted the time to live from when it answered.
  time.heard(origin, Date.parse(expiresAt) - ttlMs, askedAt);
}

const sdkName = 'concordat-typescript';

function bodyOf(
  { name, handlers, checks, resourceGroup }: ParticipantDefinition,
  parts: RegistrationParts,
): InstanceBody {
  return {
    url: parts.urlOf(name),
    handlers: [...handlers].map(([handler, { kind, fence }]) => ({
      name: handler,
      kind,
      ...(fence === 'external' && { external: true }),
    })),
    checks: [...checks.keys()],
    sdk: sdkName,
    ...(resourceGroup !== undefined && { resourceGroup }),
    batch: true,
    ttlMs: parts.ttlMs,
  };
}

/** What no later try would change, with what to do about it; undefined for everything else. */
function refusalOf(error: unknown, name: string, url: string): ConcordatError | undefined {
  if (!(error instanceof ConcordatError)) return undefined;
  const { status } = errors[error.code];
  if (status < 400 || status >= 500 || error.code === 'request_timeout') return undefined;
  const advice = advices[error.code];
  const said = `participant '${name}' at ${url} was not registered: ${error.message}`;
  return new ConcordatError(error.code, advice === undefined ? said : `${said}; ${advice}`, error.details);
}

const advices: Partial<Readonly<Record<ErrorCode, string>>> = Object.freeze({
  unauthorized: 'give a key of the coordinator as coordinator.apiKey or CONCORDAT_API_KEY',
  forbidden: 'use a key with the role client that has this participant among its names, or no names',
  invalid_request: 'see its errors; a publicUrl beyond loopback has to be in CONCORDAT_ALLOW of the coordinator',
});

/** A number in [0, 1) that follows from a text: enough to keep hosts apart, and the same in every simulation. */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}
