import { shown } from './options.js';

/** A class of errors; abstract ones too. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

export interface RollbackRules {
  /** Errors of these classes roll back: exceptions from `noRollbackFor`, as every error rolls back by itself. */
  readonly rollbackFor?: readonly ErrorClass[];
  /** Errors of these classes commit, and are thrown on. */
  readonly noRollbackFor?: readonly ErrorClass[];
}

/** Throws TypeError for a rule that could never hold. */
export function checkRules(rules: RollbackRules): void {
  for (const rule of ['rollbackFor', 'noRollbackFor'] as const) {
    const given: unknown = rules[rule] ?? [];
    if (!Array.isArray(given)) throw new TypeError(`${rule}: expected a list of error classes, got ${shown(given)}`);
    for (const each of given as readonly unknown[])
      if (!isClass(each))
        throw new TypeError(`${rule}: expected error classes, such as [RangeError], got ${shown(each)}`);
  }
}

const isClass = (thing: unknown): boolean => typeof thing === 'function' && typeof thing.prototype === 'object';

/**
 * Whether an error that leaves its method rolls the transaction back. The class nearest to the error's own wins, and
 * `rollbackFor` where both name it. What is no object, thrown all the same, rolls back.
 */
export function rollsBack(error: unknown, { rollbackFor = [], noRollbackFor = [] }: RollbackRules): boolean {
  const forgiven = nearest(error, noRollbackFor);
  return forgiven === undefined || (nearest(error, rollbackFor) ?? Number.POSITIVE_INFINITY) <= forgiven;
}

/** Steps up the prototypes of the error to the nearest of some classes; undefined when it is of none. */
function nearest(error: unknown, classes: readonly ErrorClass[]): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  let steps = 0;
  for (let at: unknown = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    if (classes.some(({ prototype }) => prototype === at)) return steps;
    steps++;
  }
  return undefined;
}
