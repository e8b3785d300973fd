import type { Transport } from './transport.js';

export interface Ways {
  /** To URLs, and to participants wherever they registered from. */
  readonly http: Transport;
  /** To participants inside this process. */
  readonly local: Transport;
  /** Whether a participant is inside this process. */
  readonly isLocal: (participant: string) => boolean;
}

/** Sends each command by the way its target asks for. */
export function transports({ http, local, isLocal }: Ways): Transport {
  return {
    send(command) {
      const { target } = command;
      return 'participant' in target && isLocal(target.participant) ? local.send(command) : http.send(command);
    },
    async close() {
      await Promise.all([http.close(), local.close()]);
    },
  };
}
