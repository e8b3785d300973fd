import type { Transport } from './transport.js';

/** Sends each command by the way its target asks for: to a URL over HTTP, to a participant inside this process. */
export function transports({ http, local }: { readonly http: Transport; readonly local: Transport }): Transport {
  return {
    send: (command) => ('url' in command.target ? http.send(command) : local.send(command)),
    async close() {
      await Promise.all([http.close(), local.close()]);
    },
  };
}
