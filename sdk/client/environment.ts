/** What a client takes from its process: settings, ids, time. The only place of the client that does. */
import { randomUUID } from 'node:crypto';

/** The coordinator's address and the key for it, as `CONCORDAT_URL` and `CONCORDAT_API_KEY` give them. */
export const fromEnvironment = (): { readonly url: string; readonly apiKey: string | undefined } => ({
  url: process.env.CONCORDAT_URL || 'http://127.0.0.1:8090',
  apiKey: process.env.CONCORDAT_API_KEY || undefined,
});

/** An id that nobody else draws. */
export const drawId = (): string => randomUUID();

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Ms that only grow. */
export const monotonic = (): number => performance.now();
