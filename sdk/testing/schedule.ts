/** What goes wrong in one case, as data. */
import { type Kind, type Op, type Phase, phaseOf } from '../protocol/kinds.js';

/** One command of the saga, the same in every case. */
export interface Place {
  /** Of the saga's transactions, from 0 in the order in which they are opened. */
  readonly transaction: number;
  readonly branch: number;
  readonly op: Op;
}

/** A command as it was seen in a case without this trouble. */
export interface Step extends Place {
  readonly participant: string;
  readonly handler: string;
  readonly kind: Kind;
}

/** What happens to a command. Where nothing else is said, to the first attempt alone. */
export type Trouble =
  /** It says no, before it does anything. */
  | 'refused'
  | 'command lost'
  | 'answer lost'
  /** The participant stops after the work and before the commit. */
  | 'stopped before commit'
  | 'sent twice'
  /** The first write of its handler fails, as a database may. */
  | 'write fails'
  /** It takes its time, so that others get ahead of it. */
  | 'slow'
  /** A copy of it comes when everything is over. */
  | 'copy at the end'
  /** No attempt arrives. */
  | 'unreachable'
  /** No attempt arrives before everything is over. Then the first one does. */
  | 'held up'
  /** The first attempt arrives, and its answer is lost as everything is after it. */
  | 'cut off after';

export type Fault =
  | { readonly kind: 'command'; readonly trouble: Trouble; readonly step: Step }
  /**
   * The coordinator is killed at this of its boundaries, from 1, and another one is started. `withSaga`: the saga runs in the
   * same process, and nobody goes on with it.
   */
  | { readonly kind: 'coordinator'; readonly boundary: number; readonly withSaga?: true }
  /** The process that runs the saga is killed as it is about to send this request, from 1. */
  | { readonly kind: 'saga'; readonly request: number }
  /** Another transaction of the user's commits: before the saga begins, or before the first commit or rollback op. */
  | { readonly kind: 'meanwhile'; readonly when: 'before' | 'in between' }
  /** Somebody turns the end of the first transaction into a rollback, at the last moment. */
  | { readonly kind: 'mark' };

export type Schedule = readonly Fault[];

export const keyOf = ({ transaction, branch, op }: Place): string => `${transaction}.${branch}.${op}`;

export const stepPhase = ({ kind, op }: Step): Phase | undefined => phaseOf(kind, op);

const sayings: Readonly<Record<Trouble, (what: string) => string>> = {
  refused: (what) => `${what} is refused`,
  'command lost': (what) => `the first command for ${what} is lost`,
  'answer lost': (what) => `the first answer of ${what} is lost`,
  'stopped before commit': (what) => `the participant stops in ${what}, after the work and before the commit`,
  'write fails': (what) => `the database fails the first write of ${what}`,
  'sent twice': (what) => `the command for ${what} arrives twice`,
  slow: (what) => `the command for ${what} is slow`,
  'copy at the end': (what) => `a copy of the command for ${what} arrives when all is over`,
  unreachable: (what) => `no command for ${what} arrives`,
  'held up': (what) => `the commands for ${what} are held up until all is over`,
  'cut off after': (what) => `${what} is done, and nothing is heard of it`,
};

/** One line for the list of cases. */
export const titleOf = (schedule: Schedule): string =>
  schedule.length === 0 ? 'nothing goes wrong' : schedule.map(sayingOf).join(', and ');

function sayingOf(fault: Fault): string {
  switch (fault.kind) {
    case 'command':
      return sayings[fault.trouble](`${fault.step.participant}/${fault.step.handler} (${fault.step.op})`);
    case 'coordinator':
      return `the coordinator is killed ${fault.withSaga ? 'with the saga ' : ''}at boundary ${fault.boundary}`;
    case 'saga':
      return `the process of the saga is killed before request ${fault.request}`;
    case 'meanwhile':
      return `another transaction commits ${fault.when}`;
    case 'mark':
      return 'the end is turned into a rollback';
  }
}

type Named = Pick<Step, 'participant' | 'handler' | 'op'>;

/** A step as reports name it. */
export function nameOf(step: Named | undefined): string | undefined {
  if (!step) return undefined;
  const name = `${step.participant}/${step.handler}`;
  if (step.op === 'action' || step.op === 'try' || step.op === 'deliver') return name;
  return step.op === 'compensate' ? `the undo of ${name}` : `the ${step.op} of ${name}`;
}
