/** Commands that work on a store itself, with or without a coordinator beside them. */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { processIsAlive } from '../alive.js';
import { type Config, loadConfig, type StoreAddress, settings } from '../config.js';
import type { StoreSchema } from '../store/facts.js';
import type { Lease } from '../store/store.js';
import { UsageError } from './exit.js';

export interface OnStore {
  readonly store?: string;
  readonly json?: true;
}

export const onStore = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .addOption(new Option('--store <address>', `the store (${settings.store.env}, default: ${settings.store.default})`))
    .option('--json', 'JSON for machines');

/** The configuration as `serve` would read it here. */
export const configFor = ({ store }: OnStore): Config => loadConfig({ flags: store === undefined ? {} : { store } });

/** Throws UsageError for a store that no other process can open. */
export function addressOf({ store }: Config): StoreAddress {
  if (store.kind !== 'sqlite') return store;
  if (store.path !== ':memory:') return { kind: 'sqlite', path: resolve(store.path) };
  throw new UsageError('--store: expected sqlite:PATH, got sqlite::memory:, which is gone with its process');
}

/** Coordinators that run on it, as far as their leases and the processes of this host tell. */
export const livingOn = ({ leases }: Pick<StoreSchema, 'leases'>, host: string, now: number): readonly Lease[] =>
  leases.filter((lease) => lease.renewedAt + lease.leaseMs > now && (lease.host !== host || processIsAlive(lease.pid)));
