/**
 * The participants of this process, as the local transport calls them. Nothing that a handler gets or gives is shared with
 * the coordinator: inputs are copies, and outputs go through JSON, as they would over HTTP.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { planted } from '#faults';
import type { Answer, Execute, Received } from '../../sdk/participant/command.js';
import type { ParticipantDefinition } from '../../sdk/participant/handler.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { copyJson } from '../../sdk/protocol/json.js';
import { defaults } from '../../sdk/protocol/limits.js';
import type { LocalHandler, LocalHandlers } from '../dispatch/local.js';
import { cleanText } from '../dispatch/text.js';
import { tokenFor } from '../dispatch/token.js';
import type { Reply } from '../dispatch/transport.js';
import type { Identity } from '../store/store.js';

export interface HandlersParts {
  readonly definitions: readonly ParticipantDefinition[];
  readonly execute: Execute;
  readonly identity: Identity;
}

export function localHandlers({ definitions, execute, identity }: HandlersParts): LocalHandlers {
  // Handlers run where embed() was called, and not in the context of whichever caller's append came with theirs.
  const outside = AsyncLocalStorage.snapshot();
  const byParticipant = new Map<string, ReadonlyMap<string, LocalHandler>>();
  for (const { name: participant, handlers, checks } of definitions) {
    const callable = [...handlers.keys(), ...checks.keys()].map((handler): [string, LocalHandler] => [
      handler,
      (command) => outside(execute, receivedOf(command, participant, handler, identity)).then(replyOf),
    ]);
    byParticipant.set(participant, new Map(callable));
  }
  return { find: (participant, handler) => byParticipant.get(participant)?.get(handler) };
}

function receivedOf(
  { body, attempt, expiresAt }: Command,
  participant: string,
  handler: string,
  { origin, tokenKey }: Identity,
): Received {
  return {
    origin,
    participant,
    handler,
    body: planted('lend-the-state') ? body : copied(body),
    attempt,
    expiresAt,
    // Few handlers end late: the others need not pay for it.
    get token() {
      return tokenFor(tokenKey, body.xid, body.branch, body.op);
    },
  };
}

/** The rest are texts and numbers. */
const copied = (body: Command['body']): Command['body'] =>
  body.output === undefined
    ? { ...body, input: copyJson(body.input) }
    : { ...body, input: copyJson(body.input), output: copyJson(body.output) };

const reasonCharactersMax = 1000;
const codeCharactersMax = 100;

/** What was said, within the limits that hold over HTTP. Throws what is then read as `unknown`. */
function replyOf(answer: Answer): Reply {
  switch (answer.kind) {
    case 'done':
      // The executor made it plain JSON within the limits, and keeps no piece of it.
      return { kind: 'done', output: answer.output };
    case 'refused': {
      const reason = cleanText(answer.reason || 'refused', reasonCharactersMax);
      return answer.code === undefined || answer.code === ''
        ? { kind: 'refused', reason }
        : { kind: 'refused', reason, code: cleanText(answer.code, codeCharactersMax) };
    }
    case 'pending':
      return { kind: 'pending', retryAfterMs: Math.min(answer.retryAfterMs, defaults.retryAfterMaxMs) };
    case 'checked':
      return { kind: 'checked', answer: answer.decision };
    default:
      return answer satisfies never;
  }
}
