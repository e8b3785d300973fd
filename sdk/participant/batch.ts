/**
 * Several commands in one request, each with its own answer. The answers go out as lines when they are there; those that
 * come within one turn go out in one write.
 */
import type { Json } from '../protocol/json.js';
import { limits } from '../protocol/limits.js';
import { Rejected } from './command.js';
import type { Courier } from './courier.js';
import { isObject, malformed, readObject } from './reading.js';
import type { WireAnswer } from './wire.js';

/** As much of node:http's response as the answer to a batch takes. */
export interface BatchResponse {
  writeHead(status: number, headers: Record<string, string | number>): unknown;
  write(text: string): unknown;
  end(text: string): unknown;
}

export const linesType = 'application/x-ndjson';

/** A later coordinator may send more than this version's would. */
const commandsMax = 8 * limits.batchMax;

interface Item {
  readonly path: string;
  readonly headers: { readonly [name: string]: Json };
  readonly body: Json | undefined;
}

/**
 * Carries out the commands of a batch. `scope` is the path that theirs begin with: empty, or a participant and a slash.
 * Throws `Rejected` when it is no batch; after that it always answers.
 */
export function takeBatch(
  courier: Courier,
  scope: string,
  bytes: Uint8Array,
  asLines: boolean,
  response: BatchResponse,
): void {
  const items = readItems(bytes);
  const reply = asLines ? lines(response, items.length) : outcomes(response, items.length);
  for (const [index, { path, headers, body }] of items.entries()) {
    const named = path.startsWith('/') ? path.slice(1) : path;
    const header = (name: string): string | undefined => textOf(headers[name]);
    const to = courier.destinationOf(scope + named) ?? courier.destinationOf(named);
    void courier.carry(to, path, header, () => readObject('body', body)).then((answer) => reply(index, answer));
  }
}

function readItems(bytes: Uint8Array): readonly Item[] {
  const { commands } = readObject('body', bytes);
  if (!Array.isArray(commands)) throw malformed('commands', 'a list of {path, headers, body}', typeof commands);
  if (commands.length === 0 || commands.length > commandsMax)
    throw new Rejected(400, 'malformed', `commands: expected 1 to ${commandsMax} of them, got ${commands.length}`);
  return (commands as readonly Json[]).map((command, index) => {
    if (!isObject(command)) throw malformed(`commands/${index}`, '{path, headers, body}', 'something else');
    const { path, headers = {}, body } = command;
    if (typeof path !== 'string') throw malformed(`commands/${index}/path`, 'text', typeof path);
    if (!isObject(headers)) throw malformed(`commands/${index}/headers`, 'an object', typeof headers);
    return { path, headers, body };
  });
}

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;

type Reply = (index: number, answer: WireAnswer) => void;

/** The members of an outcome, without braces; bodies are JSON text already. */
function outcomeOf({ status, headers, body }: WireAnswer): string {
  const parts = [`"status":${status}`];
  for (const _ in headers) {
    parts.push(`"headers":${JSON.stringify(headers)}`);
    break;
  }
  if (body !== undefined) parts.push(`"body":${body}`);
  return parts.join(',');
}

/** A line each, as they finish. */
function lines(response: BatchResponse, count: number): Reply {
  let text = '';
  let left = count;
  let isDue = false;
  let hasBegun = false;
  const write = (): void => {
    isDue = false;
    const headers = { 'content-type': linesType };
    if (left > 0) {
      if (!hasBegun) response.writeHead(200, headers);
      response.write(text);
    } else {
      if (!hasBegun) response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(text) });
      response.end(text);
    }
    hasBegun = true;
    text = '';
  };
  return (index, answer) => {
    text += `{"index":${index},${outcomeOf(answer)}}\n`;
    left--;
    if (isDue) return;
    isDue = true;
    // After all that is settled in this turn.
    process.nextTick(write);
  };
}

/** All of them together, in the order they came in. */
function outcomes(response: BatchResponse, count: number): Reply {
  const parts = new Array<string>(count);
  let left = count;
  return (index, answer) => {
    parts[index] = `{${outcomeOf(answer)}}`;
    if (--left > 0) return;
    const text = `{"outcomes":[${parts.join(',')}]}`;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  };
}
