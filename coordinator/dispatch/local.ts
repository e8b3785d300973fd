import { planted, reach } from '#faults';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Clock } from '../clock.js';
import { readAnswer } from './answer.js';
import { cleanText } from './text.js';
import type { Answer, Reply, Transport } from './transport.js';

/** A participant inside this process; it answers as it would over HTTP. */
export type LocalHandler = (command: Command) => Promise<Answer> | Answer;

/** By participant, then by the handler's name. Read at each send: it may be filled later. */
export type LocalHandlers = ReadonlyMap<string, { readonly [handler: string]: LocalHandler }>;

/** Calls handlers of this process, under the same deadline and with the same reading of answers as over HTTP. */
export function localTransport(handlers: LocalHandlers, clock: Clock): Transport {
  return {
    async send(command) {
      try {
        return await deliver(command);
      } catch (error) {
        // A handler is code of somebody else: it may answer anything, or nothing.
        return unknown(`the handler's answer cannot be read: ${cleanText(messageOf(error), 200)}`);
      }
    },
    close: async () => undefined,
  };

  async function deliver(command: Command): Promise<Reply> {
    const handler = handlerOf(handlers, command);
    if (typeof handler === 'string') return unknown(handler);
    const now = clock.now();
    if (now >= command.expiresAt && !planted('expired-commands-are-sent')) return unknown('expired before it was sent');
    reach('before-send');
    const result = await withDeadline(clock, command.expiresAt - now, () => handler(command));
    if ('error' in result) {
      return result.timedOut && planted('timeout-is-a-no') ? refused(result.error) : unknown(result.error);
    }
    reach('after-reply');
    return readAnswer(result, command.body.op, clock.now());
  }
}

/** The handler of a command, or why there is none. */
function handlerOf(handlers: LocalHandlers, { target }: Command): LocalHandler | string {
  if ('url' in target) return 'not sent: the target is a URL';
  const ofParticipant = handlers.get(target.participant);
  if (!ofParticipant) return `not sent: no participant ${target.participant} here`;
  if (!Object.hasOwn(ofParticipant, target.handler))
    return `not sent: participant ${target.participant} has no handler ${target.handler}`;
  return (
    ofParticipant[target.handler] ?? `not sent: participant ${target.participant} has no handler ${target.handler}`
  );
}

interface Lost {
  readonly error: string;
  readonly timedOut: boolean;
}

/** The answer, or what kept it away. A handler cannot be stopped: what it answers after the deadline is not heard. */
function withDeadline(clock: Clock, deadlineMs: number, call: () => Promise<Answer> | Answer): Promise<Answer | Lost> {
  return new Promise((settle) => {
    const cancel = planted('no-total-deadline')
      ? () => undefined
      : clock.after(deadlineMs, () =>
          settle({ error: `no answer within ${Math.round(deadlineMs)} ms`, timedOut: true }),
        );
    const answered = (async () => call())();
    reach('after-send-before-reply');
    answered
      .catch(
        (error: unknown): Lost => ({
          error: `the handler failed: ${cleanText(messageOf(error), 200)}`,
          timedOut: false,
        }),
      )
      .then((result) => {
        cancel();
        settle(result);
      });
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const unknown = (error: string): Reply => ({ kind: 'unknown', error });

const refused = (reason: string): Reply => ({ kind: 'refused', reason });
