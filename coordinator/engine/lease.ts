import type { Command } from '../../sdk/protocol/commands.js';
import type { Reply, Transport } from '../dispatch/transport.js';

/** Stands for the reply of a command that was not sent. */
export const withheld: Reply = Object.freeze({
  kind: 'unknown',
  error: 'withheld: it may be the work of another coordinator by now',
  sent: false,
});

/** A transport that sends nothing for a process that may have lost its transactions while the command waited. */
export function sendWhile(
  toSend: (command: Command) => Command | undefined | Promise<Command | undefined>,
  transport: Transport,
): Transport {
  const send = (sending: Command | undefined): Promise<Reply> =>
    sending ? transport.send(sending) : Promise.resolve(withheld);
  return {
    send(command) {
      const sending = toSend(command);
      return sending instanceof Promise ? sending.then(send) : send(sending);
    },
    close: () => transport.close(),
  };
}
