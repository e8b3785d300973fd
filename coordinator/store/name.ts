import type { StoreAddress } from '../config.js';
import { nameOf } from './postgres/name.js';

/** Where a store is, for messages and logs: never with a password. */
export const storeName = (address: StoreAddress): string =>
  address.kind === 'sqlite' ? address.path : nameOf(address.url);
