/** A case as people read it: one sentence after another. */
import type { Event } from '../../coordinator/embed/stage.js';
import type { Answer } from '../participant/command.js';
import type { Json } from '../protocol/json.js';
import type { Step } from './schedule.js';

export class Story {
  readonly #lines: string[] = [];
  #isOver = false;

  tell(sentence: string): void {
    if (this.#isOver) return;
    this.#lines.push(/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);
  }

  /** What comes now is no part of it. */
  end(): void {
    this.#isOver = true;
  }

  get lines(): readonly string[] {
    return folded(this.#lines);
  }
}

const foldsMax = 2;

/** What is said over and over is said once, with how often it came again. */
function folded(lines: readonly string[]): readonly string[] {
  const short: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const [length, times] = repeatAt(lines, at);
    short.push(...lines.slice(at, at + length));
    if (times > 1)
      short.push(times === 2 ? 'The same happens once more.' : `The same happens ${times - 1} more times.`);
    at += length * times;
  }
  return short;
}

/** How many lines, from there on, are repeated how often. */
function repeatAt(lines: readonly string[], at: number): readonly [length: number, times: number] {
  if (!lines[at]?.startsWith('The coordinator asks')) return [1, 1];
  for (let length = 1; length <= foldsMax; length++) {
    const block = lines.slice(at, at + length).join('\n');
    let times = 1;
    while (lines.slice(at + times * length, at + (times + 1) * length).join('\n') === block) times++;
    if (times > 1) return [length, times];
  }
  return [1, 1];
}

/** What is asked of a participant, as a verb: `charge`, `undo charge`, `confirm withdraw`. */
export function verbOf({ op, handler }: Pick<Step, 'op' | 'handler'>): string {
  if (op === 'action') return handler;
  return op === 'compensate' ? `undo ${handler}` : `${op} ${handler}`;
}

const inputMax = 80;

export function shortJson(value: Json | undefined): string {
  const text = value === undefined || value === null ? '' : JSON.stringify(value);
  return text.length > inputMax ? `${text.slice(0, inputMax)}…` : text;
}

/** What a participant did and said. `worked`: a handler ran for it. */
export function answerSentence(step: Step, answer: Answer, worked: boolean): string {
  const who = step.participant;
  switch (answer.kind) {
    case 'done': {
      const output = shortJson(answer.output);
      if (worked) return `${who} does it, and answers ${output === '' ? 'done' : output}`;
      return step.op === 'action' || step.op === 'try'
        ? `${who} has done that already, and gives the same answer again`
        : `${who} has nothing left to do for that, and answers done`;
    }
    case 'refused':
      if (answer.code === 'suppressed') return `${who} does not do it any more, as its undo came before`;
      return `${who} refuses: ${answer.reason}`;
    case 'pending':
      return `${who} asks to be asked again`;
    case 'checked':
      return `${who} answers: ${answer.decision}`;
  }
}

/** A branch by its number or its id, as `payment/charge`. */
export type NameOf = (branch: number | string) => string;

/** What a row of the log says, for "before it writes down …". */
export const writtenDown = (events: readonly Event[], nameOf: NameOf): string =>
  [...new Set(events.map((event) => factOf(event, nameOf)))].join(' and ');

function factOf(event: Event, nameOf: NameOf): string {
  switch (event.type) {
    case 'opened':
      return `that the transaction "${event.name}" is opened`;
    case 'branch_added':
      return `that ${'participant' in event.spec.target ? `${event.spec.target.participant}/${event.spec.target.handler}` : event.spec.id} takes part`;
    case 'branch_done':
      return `that ${nameOf(event.branch)} is done`;
    case 'branch_refused':
      return `that ${nameOf(event.branch)} is refused`;
    case 'branch_undone':
      return `that ${nameOf(event.branch)} is undone`;
    case 'branch_committed':
      return `that ${nameOf(event.branch)} is committed`;
    case 'branch_uncertain':
      return `that nobody knows of ${nameOf(event.branch)}`;
    case 'decided':
      return `the decision to ${event.decision === 'commit' ? 'commit' : 'roll back'}`;
    case 'ended':
      return 'that it is over';
    case 'closed':
      return 'that no more branches come';
    case 'rollback_only':
      return 'that it can only be rolled back';
    default:
      return `"${event.type}"`;
  }
}

/** What a row of the log means for the story; undefined for what the story shows anyhow. */
export function newsOf(event: Event, nameOf: NameOf): string | undefined {
  switch (event.type) {
    case 'opened':
      return `The saga opens the transaction "${event.name}"`;
    case 'decided':
      if (event.decision === 'commit') return 'It is decided: commit';
      return `It is decided: roll back${event.reason === null ? '' : ` (${named(event.reason, nameOf)})`}`;
    case 'branch_uncertain':
      return `The coordinator gives up on ${nameOf(event.branch)}, of which it has heard nothing`;
    case 'branch_parked':
      return `The coordinator gives up on ${event.op === 'compensate' ? 'the undo' : `the ${event.op}`} of ${nameOf(event.branch)} (${event.reason}): a person has to look at it`;
    case 'rollback_only':
      return 'The transaction is marked: it can only be rolled back';
    case 'ended':
      return `The transaction is ${event.status === 'rolled_back' ? 'rolled back' : event.status}`;
    case 'adopted':
      return 'The new coordinator takes over what the other one left';
    default:
      return undefined;
  }
}

/** Ids are drawn, and tell nobody anything. */
const named = (text: string, nameOf: NameOf): string => text.replace(/'([\w-]+)'/g, (_, id: string) => nameOf(id));
