/**
 * A coordinator on a memory that outlives it, with its time, chance and way to the log given: for rehearsals that kill it
 * at any line and start another. `concordat/testing` builds on it, and on nothing else of the coordinator.
 */
import type { Exchange } from '../../sdk/client/exchange.js';
import type { Execute } from '../../sdk/participant/command.js';
import type { ParticipantDefinition } from '../../sdk/participant/handler.js';
import type { Chance, Clock } from '../clock.js';
import { startCoordinator } from '../coordinator.js';
import type { Event, Policy } from '../decide/events.js';
import { allowList } from '../dispatch/allow.js';
import { localTransport } from '../dispatch/local.js';
import { Registry } from '../dispatch/registry.js';
import { lookoutOn } from '../http/lookout.js';
import { remembering } from '../http/targets.js';
import { silentLog } from '../observe/log.js';
import { type MemoryDisk, memoryStore } from '../store/memory.js';
import type { Store } from '../store/store.js';
import { exchangeInside } from './exchange.js';
import { localHandlers } from './handlers.js';
import { residents } from './residents.js';

export type { Chance, Clock } from '../clock.js';
export type { Event, Policy } from '../decide/events.js';
export { type MemoryDisk, memoryDisk } from '../store/memory.js';

export interface StageParts {
  /** What outlives the coordinator. */
  readonly disk: MemoryDisk;
  readonly definitions: readonly ParticipantDefinition[];
  /** What becomes of a command on its way. One that never resolves is an answer that never comes. */
  readonly execute: Execute;
  /** Stands around each row that is written to a log. One that never resolves ends the coordinator. */
  readonly onAppend: OnAppend;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly policy: Policy;
  readonly leaseMs: number;
  readonly sweepMs: number;
}

export type OnAppend = (
  events: readonly Event[],
  xid: string,
  write: () => Promise<'won' | 'lost'>,
) => Promise<'won' | 'lost'>;

/** Starts it; resolves with the door in. It is ended by its clock, its appends and its commands coming to a halt. */
export async function startOnStage(parts: StageParts): Promise<Exchange> {
  const { disk, definitions, execute, clock, chance, policy, leaseMs, sweepMs } = parts;
  const log = silentLog;
  const store = watched(memoryStore({ disk, time: { wall: clock.now, monotonic: clock.monotonic } }), parts.onAppend);
  const registry = new Registry({ store, clock, log });
  const here = residents(definitions, registry);
  const { engine, controls } = await startCoordinator({
    store,
    transport: localTransport(localHandlers({ definitions, execute, identity: store.identity }), clock),
    log,
    presence: here,
    leaseMs,
    sweepMs,
    sweepAtOnce: true,
    onBroken: () => undefined,
    clock,
    chance,
    host: 'stage',
    // The one before is gone when another starts.
    isAlive: () => false,
  });
  const lookout = lookoutOn({ store, clock, log });
  const rooms = { engine, controls, store, registry: here.registry, clock, chance, log, directory: here, lookout };
  const allow = remembering(allowList([]));
  return exchangeInside({ ...rooms, allow, policy, stopping: () => false }, async () => undefined);
}

const watched = (store: Store, onAppend: OnAppend): Store => ({
  ...store,
  append: (append) => onAppend(JSON.parse(append.events) as readonly Event[], append.xid, () => store.append(append)),
});
