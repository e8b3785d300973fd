/** What stands for one mode: its processes on fresh files. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../helpers/postgres.js';
import type { ClientLoad } from './client.js';
import { type Counters, readCounters } from './counters.js';
import { effectsIn } from './effects.js';
import type { Ask as AskEmbedded } from './embed.js';
import type { Ask as AskHost } from './host.js';
import type { Load, LoadResult } from './load.js';
import type { Options } from './options.js';
import type { Ask as AskParticipant } from './participant.js';
import { type Part, startCoordinator, startPart, type Told } from './processes.js';
import type { Parts } from './usage.js';
import type { Mode, Tally } from './work.js';

export interface Stage {
  readonly mode: Mode;
  readonly pids: Parts;
  /** The address of the coordinator's store. */
  readonly store: string;
  /** The process of a fenced service, if there is one. */
  readonly host: Told<AskHost> | undefined;
  run(load: Load): Promise<LoadResult>;
  /** Of what came since it was asked last. */
  tally(): Promise<Tally>;
  counters(): Promise<Counters | undefined>;
}

/** Takes note of what has to be stopped, and gives it back. */
type Keep = <P extends Part>(part: P) => P;

interface Place {
  readonly mode: Mode;
  readonly dir: string;
  readonly store: string;
  /** The process of a server that the store is on. */
  readonly server: Parts;
  /** The program that is measured. */
  readonly cli: string;
  readonly keep: Keep;
}

/** One stage a mode, all at once, for as long as `work` takes. */
export async function withStages<T>(
  modes: readonly Mode[],
  options: Options,
  work: (stages: readonly Stage[]) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(options.dir, 'concordat-bench-'));
  folders.add(folder);
  const started: Part[] = [];
  const server = options.store === 'postgres' ? await startPostgres(durable) : undefined;
  const serverParts: Parts = server ? { postgres: server.pid() } : {};
  const keep: Keep = (part) => {
    started.unshift(part);
    return part;
  };
  try {
    const stages: Stage[] = [];
    for (const mode of modes) {
      const dir = join(folder, mode);
      mkdirSync(dir);
      const store = server ? server.url(await server.database()) : `sqlite:${join(dir, 'bench.db')}`;
      const place = {
        mode,
        dir,
        store,
        server: serverParts,
        cli: options.coordinator,
        keep,
      };
      stages.push(await start(place));
    }
    return await work(stages);
  } finally {
    for (const part of started) await part.stop();
    await server?.stop();
    remove(folder);
  }
}

/** A private server that writes what it acknowledged, as a user's does. */
const durable = { fsync: 'on', full_page_writes: 'on' };

const folders = new Set<string>();

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** Removes what stages have left that did not come to their end. */
export const removeFolders = (): void => folders.forEach(remove);

function start(place: Place): Promise<Stage> {
  switch (place.mode) {
    case 'url':
    case 'participant':
    case 'batch':
      return startBare(place);
    case 'sdk':
    case 'remote':
      return startHosted(place);
    case 'embed':
      return startEmbedded(place);
  }
}

/** A service without the SDK. */
async function startBare({ mode, dir, store, server, cli, keep }: Place): Promise<Stage> {
  const participant = keep(await startPart<AskParticipant>('participant', dir));
  const coordinator = keep(await startCoordinator(dir, store, cli));
  const coordinatorUrl = coordinator.url;
  const participantUrl = mode === 'url' ? await participant.ask<string>('url') : undefined;
  if (mode !== 'url') await participant.ask({ coordinatorUrl, batch: mode === 'batch' });
  const client = keep(await startPart<ClientLoad>('client', dir));
  return {
    mode,
    pids: { coordinator: coordinator.pid, participant: participant.pid, client: client.pid, ...server },
    store,
    host: undefined,
    run: (load) => client.ask({ ...load, coordinatorUrl, participantUrl, by: 'plan' }),
    tally: () => participant.ask('tally'),
    counters: () => readCounters(coordinatorUrl),
  };
}

async function startHosted({ mode, dir, store, server, cli, keep }: Place): Promise<Stage> {
  const coordinator = keep(await startCoordinator(dir, store, cli));
  const coordinatorUrl = coordinator.url;
  const host = keep(await startPart<AskHost>('host', dir));
  const file = join(dir, 'service.db');
  await host.ask({ coordinatorUrl, file });
  const client = keep(await startPart<ClientLoad>('client', dir));
  const by = mode === 'remote' ? 'remote' : 'plan';
  return {
    mode,
    pids: { coordinator: coordinator.pid, participant: host.pid, client: client.pid, ...server },
    store,
    host,
    run: (load) => client.ask({ ...load, coordinatorUrl, participantUrl: undefined, by }),
    tally: effectsIn(file),
    counters: () => readCounters(coordinatorUrl),
  };
}

async function startEmbedded({ mode, dir, store, server, keep }: Place): Promise<Stage> {
  const application = keep(await startPart<AskEmbedded>('embed', dir));
  await application.ask({ store });
  return {
    mode,
    pids: { application: application.pid, ...server },
    store,
    host: undefined,
    run: (load) => application.ask(load),
    tally: () => application.ask('tally'),
    counters: () => Promise.resolve(undefined),
  };
}
