import type { Answer } from '../../coordinator/dispatch/transport.js';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Xid } from '../../sdk/protocol/ids.js';
import type { Json } from '../../sdk/protocol/json.js';
import { type Kind, type Op, type Phase, phaseOf } from '../../sdk/protocol/kinds.js';

/** What a test asks a branch to do; its input. `busy` answers `pending` so many times before the op is done. */
export type Does = 'done' | 'refused' | 'fails' | 'loses the answer' | 'busy';
export interface Task {
  readonly forward?: Does;
  readonly commit?: Does;
  readonly rollback?: Does;
  readonly times?: number;
}

/** A row of the ledger, written together with the effect. */
export interface Effect {
  readonly xid: Xid;
  readonly branch: number;
  readonly op: Op;
}

interface Stored {
  readonly op: Op;
  readonly answer: Answer;
}

/** A participant with the fence of DESIGN section 5, all in memory, and a ledger of its effects. */
export class Participant {
  readonly ledger: Effect[] = [];
  /** Every command that arrived, effect or not. */
  readonly arrived: Command[] = [];
  /** What the initiator's check answers, by xid. */
  readonly checks = new Map<Xid, 'commit' | 'rollback' | 'unknown'>();
  readonly #fence = new Map<string, Stored>();
  readonly #tries = new Map<string, number>();
  readonly #onEffect: (effect: Effect) => void;

  constructor(onEffect: (effect: Effect) => void = () => undefined) {
    this.#onEffect = onEffect;
  }

  handle(command: Command): Answer {
    this.arrived.push(command);
    const { xid, kind = 'saga', op } = command.body;
    if (op === 'check') return json(200, { decision: this.checks.get(xid) ?? 'unknown' });
    const phase = phaseOf(kind, op);
    if (!phase) return json(400, { op });
    const does = this.#does(command, phase);
    if (does === 'fails') return json(503, null);
    if (does === 'busy') return { ...json(425, null), headers: { 'retry-after': '1' } };
    const answer = this.#fenced(command, phase, kind, does);
    return does === 'loses the answer' ? json(503, null) : answer;
  }

  effects(xid: Xid): string[] {
    return this.ledger.filter((effect) => effect.xid === xid).map(({ branch, op }) => `${branch}.${op}`);
  }

  #does(command: Command, phase: Phase): Does {
    const { xid, branch, op, input } = command.body;
    const task = (input ?? {}) as Task;
    const does = task[phase] ?? 'done';
    if (task.times === undefined || does === 'done' || does === 'refused') return does;
    const key = `${xid} ${branch} ${op}`;
    const tries = (this.#tries.get(key) ?? 0) + 1;
    this.#tries.set(key, tries);
    return tries > task.times ? 'done' : does;
  }

  #fenced(command: Command, phase: Phase, kind: Kind, does: Does): Answer {
    const { xid, branch, op, forward } = command.body;
    const first = `${xid} ${branch} 1`;
    const second = `${xid} ${branch} 2`;
    const started = this.#fence.get(first);
    const ended = this.#fence.get(second);
    if (phase === 'forward') {
      if (ended && phaseOf(kind, ended.op) === 'rollback') return problem('suppressed');
      return started?.answer ?? this.#store(first, op, command, does);
    }
    if (ended) return phaseOf(kind, ended.op) === phase ? ended.answer : problem('contradiction');
    const hasEffect = started?.answer.status === 200;
    if (phase === 'commit')
      return hasEffect || kind === 'message' ? this.#store(second, op, command, does) : problem('forward_missing');
    if (!hasEffect && forward === 'done') return problem('forward_missing');
    if (hasEffect) return this.#store(second, op, command, does);
    this.#fence.set(second, { op, answer: json(200, null) });
    return json(200, null);
  }

  #store(key: string, op: Op, { body }: Command, does: Does): Answer {
    const { xid, branch } = body;
    const answer = does === 'refused' ? problem('no') : json(200, { did: `${body.id} ${op}` });
    this.#fence.set(key, { op, answer });
    if (does !== 'refused') {
      this.ledger.push({ xid, branch, op });
      this.#onEffect({ xid, branch, op });
    }
    return answer;
  }
}

const json = (status: number, body: Json): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(body)),
});

const problem = (code: string): Answer => ({
  status: 409,
  headers: { 'content-type': 'application/problem+json' },
  body: Buffer.from(JSON.stringify({ code, detail: code })),
});
