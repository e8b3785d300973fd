/** A participant on bare sockets that answers one command of each transaction as it likes, and all others well. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { kinds, type Op } from '../../sdk/protocol/kinds.js';
import { rawAnswer } from '../dispatch/participants.js';
import type { HostileAnswer } from './answers.js';

export interface Arrived {
  readonly xid: string;
  readonly op: string;
  readonly attempt: string;
  readonly webhookId: string;
}

export interface Site {
  readonly url: string;
  readonly arrived: readonly Arrived[];
}

/** Where the xid of a transaction says which op is answered badly, the first time that it comes. */
export const xidOf = (op: Op, name: string): string => `${op}.${name}`;

export async function startSite(t: ExecutionContext, hostile: HostileAnswer): Promise<Site> {
  const sockets = new Set<Socket>();
  const arrived: Arrived[] = [];
  const spoiled = new Set<string>();

  /** Whether this is the command that is answered badly. */
  const isTheOne = ({ xid, op }: Arrived): boolean => xid.startsWith(`${op}.`) && !spoiled.has(xid);

  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    let read = Buffer.alloc(0);
    let answered = false;
    const answer = (command: Arrived): void => {
      arrived.push(command);
      if (isTheOne(command)) {
        spoiled.add(command.xid);
        hostile.write(socket);
      } else socket.write(goodAnswer(command));
    };
    socket.on('data', (bytes) => {
      read = Buffer.concat([read, bytes]);
      for (let end = read.indexOf('\r\n\r\n'); end >= 0; end = read.indexOf('\r\n\r\n')) {
        const head = read.subarray(0, end).toString('latin1');
        const command = commandOf(head);
        if (!answered && hostile.early && isTheOne(command)) {
          answered = true;
          answer(command);
        }
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (read.length < end + 4 + length) return;
        read = read.subarray(end + 4 + length);
        if (!answered) answer(command);
        answered = false;
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived };
}

const headerOf = (head: string, name: string): string =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';

const commandOf = (head: string): Arrived => ({
  xid: headerOf(head, 'concordat-xid'),
  op: /^POST \S*\/(\w+) /.exec(head)?.[1] ?? '',
  attempt: headerOf(head, 'concordat-attempt'),
  webhookId: headerOf(head, 'webhook-id'),
});

/** A step that says no is what makes the others roll back. */
function goodAnswer({ xid, op }: Arrived): string {
  if (op === 'check') return rawAnswer('{"decision":"rollback"}');
  return rawAnswer(JSON.stringify({ good: xid }));
}

/** Every op of every kind of branch, and the check of the initiator. */
export const ops: readonly Op[] = [
  ...Object.values(kinds).flatMap((row) => Object.values(row) as (Op | undefined)[]),
  'check',
].filter((op): op is Op => op !== undefined);
