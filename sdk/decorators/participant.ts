import { declareClass } from '../participant/declared.js';
import { namePattern } from '../protocol/ids.js';
import type { Database } from '../resources/database.js';

export interface ParticipantDecoratorOptions<Self> {
  /** The participant's own database, of the instance that is served: the fence is in it, and `tx.db` is its open transaction. */
  readonly db?: (self: Self) => Database;
  /** What is limited together with others of the same name. */
  readonly resourceGroup?: string;
}

/** Stands before a class whose instances are of this shape. */
export type ClassDecoratorOf<Self> = <Class extends abstract new (...args: never) => Self>(
  value: Class,
  context?: ClassDecoratorContext<Class>,
) => void;

/**
 * A class whose instances can be served: `serve({ participants: [new PaymentService(db)] })`. The name is a letter, then at
 * most 63 letters, digits, `_` or `-`. Throws TypeError when it is not.
 */
export function Participant<Self = unknown>(
  name: string,
  options: ParticipantDecoratorOptions<Self> = {},
): ClassDecoratorOf<NoInfer<Self>> {
  const { db, resourceGroup } = options;
  if (typeof name !== 'string' || !namePattern.test(name))
    throw new TypeError(
      `@Participant: expected a name of a letter and at most 63 letters, digits, "_" or "-", got ${JSON.stringify(name)}`,
    );
  return (value) => declareClass(value, { name, db, resourceGroup });
}
