/** Between the coordinator and the participants: carries commands, loses them, repeats them, holds them up. */
import type { Clock } from '../../coordinator/embed/stage.js';
import type { Answer, Execute, Received } from '../participant/command.js';
import type { ParticipantDefinition } from '../participant/handler.js';
import { type Coordinators, type Life, never } from './coordinators.js';
import { keyOf, type Schedule, type Step, stepPhase, type Trouble } from './schedule.js';
import { answerSentence, type Story, shortJson, verbOf } from './story.js';
import type { RehearsedTime } from './time.js';
import { Worker, workers } from './worker.js';

export interface NetworkParts {
  readonly schedule: Schedule;
  readonly time: RehearsedTime;
  readonly story: Story;
  readonly definitions: readonly ParticipantDefinition[];
  readonly host: Execute;
  /** Lets another transaction of the user's commit. */
  readonly meanwhile: () => Promise<void>;
  /** Looks at the databases around each command that is carried out. */
  readonly look: (step: Step, when: 'before' | 'after') => Promise<void>;
}

/** A command that is to arrive when all is over. */
export interface Late {
  readonly command: Received;
  readonly step: Step;
  readonly why: string;
}

const slowMs = 3000;

export class Network {
  /** Each command that was sent, once. */
  readonly steps = new Map<string, Step>();
  /** Counts how often handlers ran. */
  runs = 0;
  readonly #parts: NetworkParts;
  readonly #coordinators: () => Coordinators;
  readonly #attempts = new Map<string, number>();
  /** What arrives when all is over. */
  readonly late: Late[] = [];
  readonly #clock: Clock;
  #othersCame = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: NetworkParts, coordinators: () => Coordinators) {
    this.#parts = parts;
    this.#coordinators = coordinators;
    this.#clock = parts.time.process().clock;
  }

  /** Takes one command from a coordinator. Never resolves when no answer comes back. */
  async execute(command: Received, life: Life): Promise<Answer> {
    const { story } = this.#parts;
    const coordinators = this.#coordinators();
    if (command.body.op === 'check') return this.#deliver(command, undefined);
    const step = this.#stepOf(command);
    const name = `${step.participant}/${step.handler}`;
    coordinators.names.add(command.body.xid, step.branch, command.body.id, name);
    const attempt = (this.#attempts.get(keyOf(step)) ?? 0) + 1;
    this.#attempts.set(keyOf(step), attempt);
    const moment = attempt === 1 ? { step } : {};
    if (coordinators.boundary(`before it asks ${step.participant} to ${verbOf(step)}`, life, moment)) return never();
    const again = attempt === 1 ? '' : 'again ';
    story.tell(
      `The coordinator asks ${step.participant} ${again}to ${verbOf(step)} ${attempt === 1 ? shortJson(command.body.input) : ''}`.trimEnd(),
    );
    const after = `after it asked ${step.participant} to ${verbOf(step)}`;
    const killed = coordinators.boundary(after, life, { isSent: true });
    const answer = this.#carry(command, step, attempt);
    if (killed) {
      // It arrives all the same.
      void answer.catch(() => undefined);
      return never();
    }
    return answer;
  }

  /** Lets arrive what was held up until all is over. */
  async finish(): Promise<void> {
    for (const { command, step, why } of this.late) {
      this.#parts.story.tell(why);
      // As if the participant's clock were behind: what has expired is not even looked at.
      await this.#deliver({ ...command, expiresAt: Number.POSITIVE_INFINITY }, step).catch(() => undefined);
    }
  }

  troubleOf(step: Step): Trouble | undefined {
    for (const fault of this.#parts.schedule)
      if (fault.kind === 'command' && keyOf(fault.step) === keyOf(step)) return fault.trouble;
    return undefined;
  }

  async #carry(command: Received, step: Step, attempt: number): Promise<Answer> {
    const { story } = this.#parts;
    const trouble = this.troubleOf(step);
    const isFirst = attempt === 1;
    switch (trouble) {
      case 'command lost':
      case 'unreachable':
      case 'held up':
        if (!isFirst && trouble === 'command lost') break;
        if (isFirst && trouble === 'held up') this.#comesLate(command, step, 'The first');
        story.tell(
          trouble === 'held up' && isFirst ? 'The command is held up on its way' : 'The command is lost on its way',
        );
        return never();
      case 'answer lost':
      case 'cut off after':
        if (!isFirst && trouble === 'answer lost') break;
        if (isFirst) await this.#deliver(command, step).catch(() => undefined);
        story.tell(isFirst ? 'The answer is lost on its way' : 'The command is lost on its way');
        return never();
      case 'sent twice':
        if (!isFirst) break;
        await this.#deliver(command, step).catch(() => undefined);
        story.tell('The network delivers the same command a second time');
        return this.#deliver(command, step);
      case 'slow':
        story.tell('The command takes its time');
        await new Promise<void>((resolve) => this.#clock.after(slowMs, resolve));
        break;
      case 'copy at the end':
        if (isFirst) this.#comesLate(command, step, 'A copy of the');
        break;
    }
    return this.#deliver(command, step);
  }

  /** Once, before the first commit or rollback op. */
  async #meanwhile(): Promise<void> {
    if (
      this.#othersCame ||
      !this.#parts.schedule.some((fault) => fault.kind === 'meanwhile' && fault.when === 'in between')
    )
      return;
    this.#othersCame = true;
    await this.#parts.meanwhile();
  }

  #comesLate(command: Received, step: Step, which: string): void {
    const why = `${which} command to ${verbOf(step)}, which the network held up, reaches ${step.participant} only now`;
    this.late.push({ command, step, why });
  }

  /** One at a time, so that each case is the same each time. */
  async #deliver(command: Received, step: Step | undefined): Promise<Answer> {
    const { time, host, story, look } = this.#parts;
    const before = this.#last;
    let release = (): void => undefined;
    this.#last = new Promise<void>((resolve) => {
      release = resolve;
    });
    await before;
    const worker = new Worker(time);
    try {
      if (step && stepPhase(step) !== 'forward') await this.#meanwhile();
      if (step) await look(step, 'before');
      const { runs } = this;
      const answer = await workers.run(worker, () => host(command));
      if (step) story.tell(answerSentence(step, answer, this.runs > runs));
      if (step) await look(step, 'after');
      return answer;
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      if (step) story.tell(`${step.participant} fails to ${verbOf(step)}: ${said}`);
      throw error;
    } finally {
      worker.end();
      release();
    }
  }

  #stepOf({ participant, handler, body }: Received): Step {
    const definition = this.#parts.definitions.find(({ name }) => name === participant);
    const kind = body.kind ?? definition?.handlers.get(handler)?.kind ?? 'saga';
    const transaction = this.#coordinators().ordinalOf(body.xid);
    const step: Step = { transaction, branch: body.branch, op: body.op, participant, handler, kind };
    if (!this.steps.has(keyOf(step))) this.steps.set(keyOf(step), step);
    return step;
  }
}
