import { RegisteredSender } from './registered.js';
import type { Registry } from './registry.js';
import type { Transport } from './transport.js';
import { notSent, Wire, type WireOptions } from './wire.js';

export interface HttpTransportOptions extends WireOptions {
  /** Says where the commands of registered participants go; without it they go nowhere. */
  readonly registry?: Pick<Registry, 'pick'>;
}

/** Sends commands as POST requests over kept-alive connections, and believes nothing of what comes back. */
export function httpTransport({ registry, ...options }: HttpTransportOptions): Transport {
  const wire = new Wire(options);
  const registered = registry && new RegisteredSender(wire, registry);
  return {
    async send(command) {
      const { target } = command;
      if ('url' in target) return wire.post({ url: target.url, path: `/${command.body.op}`, command });
      return registered ? registered.send(command, target) : notSent('the target has no URL');
    },
    close: () => wire.close(),
  };
}
