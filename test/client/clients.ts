import type { ExecutionContext } from 'ava';
import { type Client, type ConnectOptions, connect } from '../../sdk/index.js';

/** A client that is closed with the test. */
export function clientOf(t: ExecutionContext, url: string, options: Omit<ConnectOptions, 'url'> = {}): Client {
  const client = connect({ ...options, url });
  t.teardown(() => client.close());
  return client;
}
