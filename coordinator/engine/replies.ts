/** What came back, or did not, as an input. */
import type { Command } from '../../sdk/protocol/commands.js';
import type { Op } from '../../sdk/protocol/kinds.js';
import type { Input } from '../decide/inputs.js';
import type { Reply } from '../dispatch/transport.js';

/** What came back for a command. Branch 0 is the check of the initiator. */
export function inputOf({ body, attempt }: Command, reply: Reply): Input {
  const { branch, op } = body;
  if (branch !== 0)
    return { type: 'outcome', branch, op, attempt, outcome: reply.kind === 'checked' ? notAsked : reply };
  return { type: 'check_answer', attempt, answer: reply.kind === 'checked' ? reply.answer : { error: whyNot(reply) } };
}

/** One attempt of an op that stays without an outcome. */
export function noOutcome(
  one: { readonly branch: number; readonly op: Op; readonly attempt: number },
  error: string,
): Input {
  const { branch, op, attempt } = one;
  if (branch === 0) return { type: 'check_answer', attempt, answer: { error } };
  return { type: 'outcome', branch, op, attempt, outcome: { kind: 'unknown', error } };
}

/** What is written in the place of an input that cannot be; undefined when whoever brought it hears of it. */
export function insteadOf(input: Input, error: string): Input | undefined {
  if (input.type !== 'outcome') return undefined;
  return { type: 'unstorable', branch: input.branch, op: input.op, error };
}

const notAsked = { kind: 'unknown', error: 'expected an outcome, got the answer of a check' } as const;

const whyNot = (reply: Exclude<Reply, { kind: 'checked' }>): string =>
  'error' in reply ? reply.error : `expected {"decision": "commit" | "rollback" | "unknown"}, got ${reply.kind}`;
