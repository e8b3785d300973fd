/** Handlers as they are, with somebody who looks at what they do. */

import type { Branch } from '../participant/branch.js';
import type { Handler, ParticipantDefinition, Work } from '../participant/handler.js';
import { Refused } from '../protocol/answers.js';
import type { Op, Phase } from '../protocol/kinds.js';
import { unfinishedQueries, watchedTransaction } from './queries.js';

/** Where a handler is at work. */
export interface Site {
  readonly xid: string;
  readonly branch: number;
  readonly op: Op;
  readonly participant: string;
  readonly handler: string;
  readonly phase: Phase;
  readonly fence: Handler['fence'];
}

/** What can go wrong inside of a handler. */
export type Inside = 'refused' | 'stopped before commit' | 'write fails';

/** One run of a handler. */
export interface Watcher {
  /** What is to go wrong with the run that is about to begin. */
  trouble(site: Site): Inside | undefined;
  began(site: Site): void;
  /** Its work is done. `keeps`: its transaction, if it has one, is about to be committed. `isSwallowed`: its database failed meanwhile. */
  worked(site: Site, keeps: boolean, isSwallowed: boolean): void;
  /** It threw. */
  threw(site: Site, error: unknown): void;
  /** It ended while queries that it made were never run. */
  leftBehind(site: Site, queries: readonly string[]): void;
}

/** Stands for the end of the participant's process. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export const watched = (definition: ParticipantDefinition, watcher: Watcher): ParticipantDefinition => ({
  ...definition,
  handlers: new Map(
    [...definition.handlers].map(([name, handler]) => [name, watchedHandler(definition.name, name, handler, watcher)]),
  ),
});

const phases = ['forward', 'commit', 'rollback'] as const satisfies readonly Phase[];

function watchedHandler(participant: string, name: string, handler: Handler, watcher: Watcher): Handler {
  const works: Partial<Record<Phase, Work>> = {};
  for (const phase of phases) {
    const work = handler[phase];
    if (work) works[phase] = watchedWork({ participant, handler: name, phase, fence: handler.fence }, work, watcher);
  }
  return { ...handler, ...works };
}

type Static = Pick<Site, 'participant' | 'handler' | 'phase' | 'fence'>;

function watchedWork(known: Static, work: Work, watcher: Watcher): Work {
  return async (input, given) => {
    const tx: Branch = given;
    const site: Site = { ...known, xid: tx.xid, branch: tx.branch, op: tx.op };
    const trouble = watcher.trouble(site);
    if (trouble === 'refused') throw new Refused('there is nothing left', { code: 'rehearsed' });
    const queries = new Set<object>();
    watcher.began(site);
    let isSwallowed = false;
    const onFail = (): void => {
      isSwallowed = true;
    };
    let output: unknown;
    try {
      output = await work(input, watchedBranch(tx, queries, trouble === 'write fails' ? onFail : undefined) as never);
    } catch (error) {
      watcher.threw(site, error);
      throw error;
    }
    const left = unfinishedQueries(queries);
    if (left.length > 0) watcher.leftBehind(site, left);
    const stops = trouble === 'stopped before commit';
    watcher.worked(site, !stops, isSwallowed);
    if (stops) throw new Stopped('the participant was stopped before its commit');
    return output;
  };
}

/** The same, whose database tells which queries are made with it. */
function watchedBranch(tx: Branch, queries: Set<object>, onFail: (() => void) | undefined): Branch {
  return new Proxy(tx, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      return key === 'db' ? watchedTransaction(tx.db, queries, onFail) : value;
    },
  });
}
