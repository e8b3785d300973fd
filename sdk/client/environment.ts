/** What a client takes from its process: settings, ids, time. The only place of the client that does. */
import { randomUUID } from 'node:crypto';

/** What `CONCORDAT_URL`, `CONCORDAT_API_KEY` and `CONCORDAT_SIGNING_SECRET` say. */
export interface Environment {
  /** The coordinator's address. */
  readonly url: string;
  readonly apiKey: string | undefined;
  /** What commands are signed with. */
  readonly signingSecret: string | undefined;
}

export const fromEnvironment = (): Environment => ({
  url: process.env.CONCORDAT_URL || 'http://127.0.0.1:8090',
  apiKey: process.env.CONCORDAT_API_KEY || undefined,
  signingSecret: process.env.CONCORDAT_SIGNING_SECRET || undefined,
});

/** Time and chance of a client; a coordinator's clock and chance fit. */
export interface Ambient {
  /** Ms that only grow. */
  monotonic(): number;
  /** Calls back once after `delayMs`. Returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** A UUIDv7 of this moment: an id that nobody else draws, and that stores well. */
  uuid(): string;
}

export const systemAmbient: Ambient = Object.freeze({
  monotonic: () => performance.now(),
  after: (delayMs: number, callback: () => void) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  uuid: () => {
    const ms = Date.now().toString(16).padStart(12, '0');
    // The random part of a version 4 begins behind its version.
    return `${ms.slice(0, 8)}-${ms.slice(8)}-7${randomUUID().slice(15)}`;
  },
});

export const sleep = (ms: number, ambient: Ambient = systemAmbient): Promise<void> =>
  new Promise((resolve) => {
    ambient.after(ms, resolve);
  });
