/** What a method decorator is given, in both modes: as TC39 has it, and under `experimentalDecorators`. */

import { type DeclaredMethod, declareMethod } from '../participant/declared.js';
import { namePattern } from '../protocol/ids.js';

/** The arguments of a method decorator of either mode. */
export type MethodArguments =
  | readonly [value: unknown, context: ClassMethodDecoratorContext]
  | readonly [target: object, key: string | symbol, descriptor: PropertyDescriptor];

/** Where a method decorator stands. */
export interface Place {
  readonly name: string;
  /** Calls back with the objects that the method is declared upon: the prototype at once, or each instance once it is made. */
  declare(declared: DeclaredMethod): void;
}

/** Reads the arguments of a method decorator. Throws TypeError where it cannot stand: `what` is its name. */
export function placeOf(what: string, [first, second, third]: MethodArguments): Place {
  const standard = typeof second === 'object' ? second : undefined;
  const key = standard ? standard.name : (second as string | symbol);
  const misplaced = standard
    ? standard.kind !== 'method' || standard.static || standard.private
    : typeof first !== 'object' || typeof third?.value !== 'function';
  if (misplaced || typeof key !== 'string')
    throw new TypeError(`@${what}: expected a public method of instances, got ${String(key)}`);
  if (!namePattern.test(key))
    throw new TypeError(
      `@${what}: expected a method whose name is a letter and at most 63 letters, digits or "_", got ${JSON.stringify(key)}`,
    );
  return {
    name: key,
    declare(declared) {
      if (!standard) return declareMethod(first as object, key, declared);
      // The prototype is not to be seen from here; its instances are.
      standard.addInitializer(function (this: unknown) {
        declareMethod(this as object, key, declared);
      });
    },
  };
}
