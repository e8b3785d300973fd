import { planted, reach } from '#faults';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Clock } from '../clock.js';
import { Deadlines } from './deadlines.js';
import { cleanText } from './text.js';
import type { Reply, Transport } from './transport.js';

/** A handler inside this process. Whatever it throws is read as `unknown`. */
export type LocalHandler = (command: Command) => Promise<Reply>;

/** Asked at each send: it may be filled later. */
export interface LocalHandlers {
  /** Undefined: there is none here, and nothing is sent. */
  find(participant: string, handler: string): LocalHandler | undefined;
}

/** For a coordinator whose participants are all elsewhere. */
export const noHandlers: LocalHandlers = Object.freeze({ find: () => undefined });

/**
 * Calls handlers of this process, under the same deadline as over HTTP. A handler cannot be stopped: what it answers after
 * the deadline is not heard. Written without async functions: each would cost a promise or two a command.
 */
export function localTransport(handlers: LocalHandlers, clock: Clock): Transport {
  const deadlines = new Deadlines(clock);
  return {
    send(command) {
      const { target, expiresAt } = command;
      if ('url' in target) return unsent('not sent: the target is a URL');
      const handler = handlers.find(target.participant, target.handler);
      if (!handler) return unsent(`not sent: no participant ${target.participant} with ${target.handler} here`);
      const now = clock.now();
      if (now >= expiresAt && !planted('expired-commands-are-sent')) return unsent('expired before it was sent');
      reach('before-send');
      return new Promise((settle) => call(handler, command, deadlines, expiresAt - now, settle));
    },
    close: async () => deadlines.close(),
  };
}

function call(
  handler: LocalHandler,
  command: Command,
  deadlines: Deadlines,
  deadlineMs: number,
  settle: (reply: Reply) => void,
): void {
  const cancel = planted('no-total-deadline')
    ? () => undefined
    : deadlines.after(deadlineMs, () => settle(lateReply(`no answer within ${Math.round(deadlineMs)} ms`)));
  const answered = (reply: Reply): void => {
    reach('after-reply');
    cancel();
    settle(reply);
  };
  const failed = (error: unknown): void => answered(unknown(`the handler failed: ${cleanText(messageOf(error), 200)}`));
  try {
    handler(command).then(answered, failed);
  } catch (error) {
    failed(error);
  }
  reach('after-send-before-reply');
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const unknown = (error: string): Reply => ({ kind: 'unknown', error });

const unsent = (error: string): Promise<Reply> => Promise.resolve({ kind: 'unknown', error, sent: false });

const lateReply = (error: string): Reply =>
  planted('timeout-is-a-no') ? { kind: 'refused', reason: error } : unknown(error);
