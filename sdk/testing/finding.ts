/** Something that is wrong with a saga, and what is known when it is looked for. */
import type { Masked, Normal } from './compare.js';
import type { Keys } from './undoing.js';

/**
 * - `fails without trouble`: the saga did not commit though nothing went wrong.
 * - `undo missing`: the undo takes back nothing. `undo incomplete`: not all, or not by the same amount.
 * - `overwrites others`: what another transaction committed in between is not there at the end as it should be.
 * - `not idempotent`: a command that came twice took effect twice.
 * - `fails when empty`: an undo failed, or did something, though there was nothing to undo.
 * - `late effect`: a forward op took effect after its undo.
 * - `undo fails`: an undo or a confirm failed until it was given up.
 * - `swallows an error`: a handler went on as if its database had not failed, and something is not there.
 * - `not awaited`: a handler left work behind that nobody waited for.
 * - `outside the transaction`: an effect stayed though its participant stopped before the commit.
 * - `does not end`: the saga or a transaction never came to an end.
 * - `different`: at the end the databases are not as they are without trouble.
 * - `invariant`: what you said always holds did not.
 */
export type FailureKind =
  | 'fails without trouble'
  | 'undo missing'
  | 'undo incomplete'
  | 'overwrites others'
  | 'not idempotent'
  | 'fails when empty'
  | 'late effect'
  | 'undo fails'
  | 'swallows an error'
  | 'not awaited'
  | 'outside the transaction'
  | 'does not end'
  | 'different'
  | 'invariant';

export interface Finding {
  readonly kind: FailureKind;
  /** `payment/charge`, `undo of payment/charge`; undefined where it is nobody's alone. */
  readonly where: string | undefined;
  /** One sentence. */
  readonly what: string;
}

/** How it is at the end when nothing went wrong on the way. */
export interface Reference {
  readonly normal: Normal;
  /** In which forward ops took effect. */
  readonly order: string;
}

/** What is known from cases in which nothing went wrong on the way. */
export interface Knowledge {
  readonly masked: Masked;
  readonly keys: Keys;
  /** By what ended how, and what took effect before. */
  readonly references: ReadonlyMap<string, Reference>;
  /** Steps whose undo is known to be wrong already: what follows from it is not told again. */
  readonly blamed: ReadonlySet<string>;
}
