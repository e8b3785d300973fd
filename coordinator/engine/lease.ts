import type { Command } from '../../sdk/protocol/commands.js';
import type { Reply, Transport } from '../dispatch/transport.js';

/** Stands for the reply of a command that was not sent. */
export const withheld: Reply = Object.freeze({
  kind: 'unknown',
  error: 'withheld: the lease ran out before it was sent',
});

/** A transport that sends nothing for a process that may have lost its transactions while the command waited. */
export const sendWhile = (maySend: (command: Command) => boolean, transport: Transport): Transport => ({
  send: (command) => (maySend(command) ? transport.send(command) : Promise.resolve(withheld)),
  close: () => transport.close(),
});
