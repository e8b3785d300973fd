import { systemAmbient } from '../client/environment.js';
import { atMost } from './clock.js';
import { type CoordinatorTime, coordinatorTime } from './coordinator-time.js';
import { createCourier } from './courier.js';
import { type Hosted, hostParticipants } from './host.js';
import { type Registration, register } from './register.js';
import { createRouter, type Handle } from './router.js';
import { resolveOptions, type ServeOptions, type ServeSettings } from './serve-options.js';
import { type Listening, listen } from './server.js';

export type { ServeOptions } from './serve-options.js';

/** Participants that take commands over HTTP. */
export interface Host {
  /** Of this host among the instances of its participants. */
  readonly id: string;
  /** Where the coordinator reaches it. */
  readonly url: string;
  /** Where its own server listens; undefined when it has none. */
  readonly listening: string | undefined;
  /** For node:http, and for express: `app.use('/concordat', host.handle)`, before any body parser. */
  readonly handle: Handle;
  /** Resolves when the coordinator knows every participant: later than `serve` when it was not there yet. */
  readonly registered: Promise<void>;
  /** Takes itself out of traffic, lets running commands finish, closes its server. The databases stay open. */
  close(): Promise<void>;
}

/**
 * Hosts participants: takes their commands over HTTP and registers them with the coordinator. Resolves when it takes
 * commands; a coordinator that does not answer yet is asked again. Rejects with TypeError when an option or a
 * participant is wrong, and with ConcordatError when the coordinator refuses one.
 */
export async function serve(options: ServeOptions): Promise<Host> {
  const settings = resolveOptions(options);
  const { client, clock, log, graceMs } = settings;
  const parts: Parts = { settings };
  try {
    const time = coordinatorTime(clock);
    parts.hosted = await hostParticipants({ participants: options.participants, client, clock, log });
    const { handle, stopping } = doorOf(parts.hosted, settings, time);
    parts.stopping = stopping;
    parts.server = settings.address && (await listen(settings.address, handle, clock));
    const { id, url, registration } = await announce(parts, parts.hosted, time);
    parts.registration = registration;
    let closing: Promise<void> | undefined;
    const { registered } = registration;
    const close = (): Promise<void> => {
      closing ??= stop(parts, graceMs);
      return closing;
    };
    return { id, url, listening: parts.server?.url, handle, registered, close };
  } catch (error) {
    await stop(parts, 0);
    throw error;
  }
}

/** What has been started so far. */
interface Parts {
  readonly settings: ServeSettings;
  hosted?: Hosted;
  server?: Listening | undefined;
  registration?: Registration;
  /** Says to whoever asks that this host is stopping. */
  stopping?: () => void;
}

function doorOf(hosted: Hosted, { keys, clock, log, guard, publicUrl }: ServeSettings, time: CoordinatorTime) {
  let isStopping = false;
  const { definitions } = hosted;
  if (keys.length === 0) log.info({}, 'no signing secret: whoever reaches this host can command it');
  const prefix = publicUrl === undefined ? '' : new URL(publicUrl).pathname.slice(1);
  const courier = createCourier({ hosted, keys, clock, time, log });
  const handle = createRouter({ courier, definitions, prefix, guard, isStopping: () => isStopping, log });
  const stopping = (): void => {
    isStopping = true;
  };
  return { handle, stopping };
}

async function announce({ settings, server }: Parts, hosted: Hosted, time: CoordinatorTime) {
  const { client: registry, ttlMs, clock, log, publicUrl = server?.url ?? '' } = settings;
  const { definitions } = hosted;
  const urlOf = (name: string): string => (definitions.length === 1 ? publicUrl : `${publicUrl}/${name}`);
  const id = systemAmbient.uuid();
  const onFloor = (utcMs: number, origin: string): void => hosted.setFloor(utcMs, origin);
  const registration = await register({ registry, definitions, id, urlOf, ttlMs, clock, log, onFloor, time });
  return { id, url: publicUrl, registration };
}

/** How long the coordinator may take to hear that this host goes, and what is left over may take to end. */
const partingMs = 2000;

/** Out of traffic first, so that nothing new comes; then what runs; then the connections. */
async function stop({ settings, hosted, server, registration, stopping }: Parts, graceMs: number): Promise<void> {
  const { client, ownsClient, clock, log } = settings;
  await registration?.stop(partingMs);
  stopping?.();
  await hosted?.close(graceMs);
  await server?.close(partingMs);
  if (!ownsClient) return;
  await atMost(partingMs, client.close(), clock).catch((error: unknown) =>
    log.warn({ error: String(error) }, 'the connection to the coordinator was not closed cleanly'),
  );
}
