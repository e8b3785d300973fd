/**
 * Cases with two troubles, the second while the first is being dealt with. Only what a case with one trouble went through
 * says what may be in trouble then, so they are drawn from it. A second trouble in a state in which that trouble came before
 * leads nowhere new and is left out.
 */
import type { Boundary } from './boundaries.js';
import { forwardTroubles, settlingTroubles } from './cases.js';
import type { Rehearsal } from './rehearsal.js';
import { type Fault, keyOf, type Schedule, type Step, stepPhase, type Trouble } from './schedule.js';

const troublesOf = (step: Step): readonly Trouble[] =>
  stepPhase(step) === 'forward' ? ['refused', ...forwardTroubles] : settlingTroubles;

export class Pairs {
  readonly #known = new Set<string>();
  /** By the case that they were drawn from. */
  readonly #drawn: (readonly Schedule[])[] = [];

  /** Every trouble of this case has cases of its own. */
  know(rehearsal: Rehearsal): void {
    for (const second of secondsOf(rehearsal, 0)) this.#known.add(second.what);
  }

  /** Draws those that begin with the trouble of this case. */
  draw(rehearsal: Rehearsal): void {
    const { schedule } = rehearsal;
    const schedules = secondsOf(rehearsal, struckAt(rehearsal)).flatMap(({ what, fault }): Schedule[] => {
      if (this.#known.has(what)) return [];
      this.#known.add(what);
      return [[...schedule, fault]];
    });
    this.#drawn.push(schedules);
  }

  /** Each first trouble has a turn before one has its second turn. */
  inTurns(): readonly Schedule[] {
    const longest = Math.max(0, ...this.#drawn.map(({ length }) => length));
    return Array.from({ length: longest }, (_, turn) =>
      this.#drawn.flatMap((schedules) => schedules.slice(turn, turn + 1)),
    ).flat();
  }
}

interface Second {
  readonly fault: Fault;
  /** The trouble and the state that it comes in. */
  readonly what: string;
}

/** What can go wrong from a boundary on. */
function secondsOf({ boundaries, schedule, drives }: Rehearsal, from: number): readonly Second[] {
  const inTrouble = new Set(schedule.flatMap((fault) => (fault.kind === 'command' ? [keyOf(fault.step)] : [])));
  const sagaLives = drives && !schedule.some(endsSaga);
  return boundaries.slice(from).flatMap(({ state, step, requests }, at): readonly Second[] => {
    const killed: Fault = { kind: 'coordinator', boundary: from + at + 1 };
    const left: Fault = { kind: 'saga', request: requests + 1 };
    const commands = step && !inTrouble.has(keyOf(step)) ? commandsOf(step, state) : [];
    const saga = sagaLives ? [{ fault: left, what: `saga killed | ${state}` }] : [];
    return [...commands, { fault: killed, what: `coordinator killed | ${state}` }, ...saga];
  });
}

const commandsOf = (step: Step, state: string): readonly Second[] =>
  troublesOf(step).map((trouble) => ({
    fault: { kind: 'command', trouble, step },
    what: `${trouble} ${keyOf(step)} | ${state}`,
  }));

const endsSaga = (fault: Fault): boolean =>
  fault.kind === 'saga' || (fault.kind === 'coordinator' && fault.withSaga === true);

/** The boundary, from 0, from which on the last trouble of the case is being dealt with. */
function struckAt({ boundaries, schedule }: Rehearsal): number {
  const fault = schedule.at(-1);
  const at = fault ? boundaries.findIndex((boundary, index) => isStruck(fault, boundary, index)) : 0;
  return at < 0 ? boundaries.length : at;
}

function isStruck(fault: Fault, { step, requests, where }: Boundary, at: number): boolean {
  switch (fault.kind) {
    case 'command':
      return step !== undefined && keyOf(step) === keyOf(fault.step);
    case 'coordinator':
      return at >= fault.boundary;
    case 'saga':
      return requests >= fault.request;
    case 'meanwhile':
      return false;
    case 'mark':
      return where.includes('it can only be rolled back');
  }
}
