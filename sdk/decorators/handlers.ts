/** Methods that are handlers of a participant. Everything here can be had without decorators: see define.ts. */
import type { Branch, Settle } from '../participant/branch.js';
import type { FenceOptions } from '../participant/define.js';
import type { Check as CheckMethod } from '../participant/handler.js';
import { type MethodArguments, placeOf } from './method.js';

/** A method that a forward op, or a message, can be. */
type Forward = (input: never, tx: Branch) => Promise<unknown>;
type InputOf<Method> = Method extends (input: infer In, ...rest: never) => unknown ? In : never;
type OutputOf<Method> = Method extends (...args: never) => Promise<infer Out> ? Out : never;

/** What an undo knows of the forward op's answer: an external one may have been lost on its way. */
type Known<Out, External> = External extends true ? Out | undefined : Out;

/** A method that settles what `Method` began. */
type Settling<Method, External> = (
  input: InputOf<Method>,
  tx: Settle<Known<OutputOf<Method>, External>>,
) => Promise<void>;

type Found<Self, Name> = Name extends keyof Self ? Self[Name] : 'no public method of this name';

/** Nothing, when a class has fitting methods of these names; else words for the compiler to say, one for each that it lacks. */
type Fits<Self, Names extends string, Method, External> = Self extends { [Name in Names]: Settling<Method, External> }
  ? unknown
  : {
      readonly [Name in Names as Self extends { [Each in Name]: Settling<Method, External> }
        ? never
        : `expected a public method '${Name}'`]: {
        readonly expected: Settling<Method, External>;
        readonly got: Found<Self, Name>;
      };
    };

/** Stands before a method of a class that has fitting methods of these names; public ones, as private ones are not seen. */
export interface SettledBy<Names extends string, External> {
  <Method extends Forward, Self>(
    value: Method & Fits<Self, Names, Method, External>,
    context: ClassMethodDecoratorContext<Self>,
  ): void;
  <Method extends Forward, Self extends { [Name in Names]: Settling<Method, External> }>(
    target: Self,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}

export interface SagaDecoratorOptions<Compensate extends string, External extends boolean>
  extends FenceOptions<External> {
  /** The method that undoes it: `(input, tx: Settle<Output>) => Promise<void>`. */
  readonly compensate: Compensate;
}

/** A handler that takes effect at once, and how that is undone. */
export function Saga<const Compensate extends string, const External extends boolean = false>(
  options: SagaDecoratorOptions<Compensate, External>,
): SettledBy<Compensate, External> {
  const { compensate, ...fence } = options;
  return (...args: MethodArguments): void => {
    const place = placeOf('Saga', args);
    const ops = { forward: place.name, rollback: compensate };
    place.declare({ what: 'handler', kind: 'saga', ops, options: fence });
  };
}

export interface TccDecoratorOptions<Confirm extends string, Cancel extends string, External extends boolean>
  extends FenceOptions<External> {
  /** The method that takes what was reserved: `(input, tx: Settle<Output>) => Promise<void>`. */
  readonly confirm: Confirm;
  /** The method that lets go of it: the same. */
  readonly cancel: Cancel;
}

/** A handler that reserves, and then takes what it reserved or lets go of it. */
export function Tcc<const Confirm extends string, const Cancel extends string, const External extends boolean = false>(
  options: TccDecoratorOptions<Confirm, Cancel, External>,
): SettledBy<Confirm | Cancel, External> {
  const { confirm, cancel, ...fence } = options;
  return (...args: MethodArguments): void => {
    const place = placeOf('Tcc', args);
    const ops = { forward: place.name, commit: confirm, rollback: cancel };
    place.declare({ what: 'handler', kind: 'tcc', ops, options: fence });
  };
}

/** Stands before a method of this shape. */
export interface MethodDecorator<Shape> {
  <Method extends Shape>(value: Method, context: ClassMethodDecoratorContext): void;
  <Method extends Shape>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<Method>): void;
}

/** A handler that is called after the commit, at least once: `(input, tx: Branch) => Promise<void>`. */
export const Message =
  (options: FenceOptions = {}): MethodDecorator<(input: never, tx: Branch) => Promise<void>> =>
  (...args: MethodArguments): void => {
    const place = placeOf('Message', args);
    place.declare({ what: 'handler', kind: 'message', ops: { commit: place.name }, options });
  };

/**
 * Is asked how the initiator's own work ended, for transactions that are opened with `onTimeout: 'ask'`. Its `rollback`
 * must be final: it closes the local marker.
 */
export const Check =
  (): MethodDecorator<CheckMethod> =>
  (...args: MethodArguments): void => {
    placeOf('Check', args).declare({ what: 'check' });
  };
