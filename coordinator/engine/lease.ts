import type { Command } from '../../sdk/protocol/commands.js';
import type { Reply, Transport } from '../dispatch/transport.js';

/** Stands for the reply of a command that was not sent. */
export const withheld: Reply = Object.freeze({
  kind: 'unknown',
  error: 'withheld: it may be the work of another coordinator by now',
});

/** A transport that sends nothing for a process that may have lost its transactions while the command waited. */
export const sendWhile = (
  toSend: (command: Command) => Promise<Command | undefined>,
  transport: Transport,
): Transport => ({
  async send(command) {
    const sending = await toSend(command);
    return sending ? transport.send(sending) : withheld;
  },
  close: () => transport.close(),
});
