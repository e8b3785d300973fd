/** Keeps this host known to the coordinator: registers its participants, and again before that runs out. */
import type { Calls } from '../client/calls.js';
import { ConcordatError, type ErrorCode, errors } from '../protocol/errors.js';
import type { InstanceBody } from '../protocol/schemas.js';
import type { RegistrationView } from '../protocol/views.js';
import { atMost, type Clock } from './clock.js';
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
  readonly onFloor: (utcMs: number) => void;
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
  const beats = parts.definitions.map((definition) => heartbeat(definition, parts));
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

interface Heartbeat {
  readonly registered: Promise<void>;
  /** Undefined, or why the coordinator does not want it. */
  start(): Promise<ConcordatError | undefined>;
  stop(withinMs: number): Promise<void>;
}

/** Pause after the first failure in a row; doubled after each, up to the rhythm of the heartbeat. */
const pauseMs = 500;

function heartbeat(definition: ParticipantDefinition, parts: RegistrationParts): Heartbeat {
  const { registry, id, ttlMs, clock, log } = parts;
  const { name } = definition;
  const body = bodyOf(definition, parts);
  const rhythmMs = ttlMs / 3;
  let beats = 0;
  let failures = 0;
  let stopped = false;
  let cancel = (): void => undefined;
  let inFlight: Promise<unknown> = Promise.resolve();
  let resolveRegistered = (): void => undefined;
  const registered = new Promise<void>((resolve) => {
    resolveRegistered = resolve;
  });

  async function beat(): Promise<ConcordatError | undefined> {
    const asked = registry.registerInstance(name, id, body);
    inFlight = asked.catch(() => undefined);
    try {
      heard(await atMost(rhythmMs, asked, clock));
      return undefined;
    } catch (error) {
      failures++;
      log.warn({ participant: name, failures, error: String(error) }, 'not registered; it is tried again');
      return refusalOf(error, name, body.url);
    } finally {
      schedule(failures === 0 ? rhythmMs : Math.min(rhythmMs, pauseMs * 2 ** (failures - 1)));
    }
  }

  function heard({ fenceFloor, expiresAt }: RegistrationView): void {
    if (failures > 0 || beats === 0) log.info({ participant: name, id, url: body.url, expiresAt }, 'registered');
    failures = 0;
    beats++;
    const floor = Date.parse(fenceFloor);
    if (!Number.isNaN(floor)) parts.onFloor(floor);
    resolveRegistered();
  }

  /** A tenth more or less, so that hosts that were started together do not stay together. */
  function schedule(delayMs: number): void {
    if (stopped) return;
    const jitter = 0.9 + 0.2 * spread(`${id}/${name}/${beats}/${failures}`);
    cancel = clock.after(delayMs * jitter, () => void beat());
  }

  async function drop(): Promise<void> {
    // One that is still on its way would register it again.
    await inFlight;
    await registry.dropInstance(name, id);
  }

  return {
    registered,
    start: beat,
    async stop(withinMs) {
      stopped = true;
      cancel();
      if (beats === 0 && failures > 0) return;
      await atMost(withinMs, drop(), clock).catch((error: unknown) =>
        log.warn(
          { participant: name, id, error: String(error) },
          'not taken out of traffic; its registration runs out',
        ),
      );
    },
  };
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
  forbidden: 'use a key with the role client that may register this name',
  invalid_request: 'see its errors; a publicUrl beyond loopback has to be in CONCORDAT_ALLOW of the coordinator',
  kind_conflict: 'give the handler another name, or stop the instances that have it with the other kind',
});

/** A number in [0, 1) that follows from a text: enough to keep hosts apart, and the same in every simulation. */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}
