/** The client of code that names none. */
import type { Client } from './client.js';

let chosen: Client | undefined;

/** Sets the client of methods that have neither `via` nor a remote of their own; `undefined` takes it away. */
export function setDefaultClient(client: Client | undefined): void {
  chosen = client;
}

export const defaultClient = (): Client | undefined => chosen;
