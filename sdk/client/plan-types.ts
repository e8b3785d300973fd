/** The shapes of a typed plan. Nothing here is there at run time. */
import type { Kind } from '../protocol/kinds.js';
import type { OpenBody, StepBody } from '../protocol/schemas.js';
import type { TransactionView } from '../protocol/views.js';
import type { Remote } from './remote.js';

declare const shape: unique symbol;
declare const refers: unique symbol;
declare const told: unique symbol;

/** Where a step goes: a participant's handler, or a service without the SDK. `on` makes typed ones. */
export type Target<In = unknown, Out = unknown> = Address & { readonly [shape]?: (input: In) => Out };

type Address =
  | { readonly participant: string; readonly handler: string; readonly kind?: Kind; readonly url?: undefined }
  | { readonly url: string; readonly kind: Kind; readonly participant?: undefined; readonly handler?: undefined };

/** The forward methods of a participant, of its class or of a plain interface, as targets. */
export type Targets<Participant> = {
  readonly [Name in keyof Remote<Participant>]: TargetOf<Remote<Participant>[Name]>;
};

type TargetOf<Call> = Call extends () => Promise<infer Out>
  ? Target<null | undefined, Out>
  : Call extends (input: infer In) => Promise<infer Out>
    ? Target<In, Out>
    : never;

/**
 * Stands for a value that an earlier step will have answered. It can be put into a step's input, whole or by its members,
 * and nothing else: there is no value yet. It counts as a function for the compiler, so that `if (reference)` is refused.
 */
export interface Reference<out Value> {
  (nothing: never): never;
  readonly [refers]: Value;
}

/** A reference with a reference for each member. What is optional is taken to be there; if it is not, the step is refused. */
export type Ref<Value> = unknown extends Value ? UntypedRef : Reference<Value> & Members<Value> & NoMembers<Value>;

/** Of a step without types: any member, of any type. */
export type UntypedRef = Reference<never> & { readonly [member: string]: UntypedRef };

type Members<Value> = Value extends Leaf
  ? unknown
  : Value extends readonly (infer Item)[]
    ? { readonly [Index in LowIndex]: Ref<Item> } & { readonly [index: number]: Ref<Item> }
    : {
        readonly [Key in keyof Value & string as Key extends Unaddressable ? never : Key]-?: Ref<
          Exclude<Value[Key], undefined>
        >;
      };

/** Known by name, so that `noUncheckedIndexedAccess` leaves them alone. */
type LowIndex = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
type Unaddressable = 'then' | 'toJSON' | '' | `${string}.${string}`;

declare const absent: unique symbol;
interface NotThere {
  readonly [absent]: true;
}

/** What every function has: a typo must not find it. */
type NoMembers<Value> = {
  readonly [Name in Exclude<'name' | 'length', Value extends readonly unknown[] ? never : keyof Value>]: NotThere;
};

type Primitive = string | number | boolean | bigint | null | undefined;
type Leaf = Primitive | { toJSON(key?: string): unknown } | ((...all: never) => unknown);

/** A step's input: each value in it may be a reference to one of its type. */
export type Input<In> = unknown extends In ? UntypedInput : Reference<In> | Filled<In>;

type Filled<In> = In extends Leaf ? In : { readonly [Key in keyof In]: Input<In[Key]> };

/** A step's input as a plain value. */
export type Value<In> = unknown extends In ? UntypedInput<never> : In;

/** What becomes JSON, with references in it. */
export type UntypedInput<Also = Reference<unknown>> =
  | Also
  | Primitive
  | { toJSON(key?: string): unknown }
  | readonly UntypedInput<Also>[]
  | { readonly [key: string]: UntypedInput<Also> };

/** What the types know of a step: what it answers (never: a message answers nothing), and the ids of all that come before it. */
export interface Known {
  readonly output: unknown;
  readonly before: string;
}
export type Steps = { readonly [id: string]: Known };

/** References to the outputs of the steps named and of all that come before those, by step id. */
export type Earlier<S extends Steps, After extends keyof S> = {
  readonly [Id in (After | S[After]['before']) & keyof S as [S[Id]['output']] extends [never] ? never : Id]: Ref<
    S[Id]['output']
  >;
};

export interface StepOptions<After extends string = string> {
  /** Ids of the steps that come right before it. Default: the step before; `[]`: none, it starts at once. */
  readonly after?: readonly After[];
  /** Of the forward op; what is left out is the default. */
  readonly retry?: StepBody['retry'];
  /** Of one call. */
  readonly timeoutMs?: number;
  /** Its `done` is the decision to commit. */
  readonly pivot?: boolean;
}

export interface MessageStepOptions<After extends string = string> {
  readonly after?: readonly After[];
  /** Not delivered before. A text is ISO 8601 in UTC. */
  readonly deliverAt?: Date | string;
  /** Messages with the same key are delivered in order. */
  readonly key?: string;
  readonly timeoutMs?: number;
}

/** What holds for the whole plan. `check` may be a target too. */
export type PlanOptions = Omit<OpenBody, 'name' | 'steps'>;

type Free<Id, S> = Id extends keyof S ? never : unknown;
type Add<S, Id extends string, Output, Before extends string> = S & {
  readonly [Each in Id]: { readonly output: Output; readonly before: Before };
};

/**
 * A plan that grows: every call answers a new one and leaves this one as it is. It is the body of the request itself, so
 * `client.submit` takes it and `JSON.stringify` writes it.
 */
export interface PlanOf<S extends Steps, Last extends keyof S & string> extends OpenBody {
  readonly steps: readonly StepBody[];
  readonly [told]?: S;

  /**
   * Adds a step. `input` is a value, or a function of the outputs of the steps that come before. Throws TypeError for what
   * cannot be in a plan: an id twice, an unknown `after`, a reference that is used as if it were its value.
   */
  step<const Id extends string, In, Out, const After extends keyof S & string = Last>(
    id: Id & Free<Id, S>,
    target: Target<In, Out>,
    input: Value<NoInfer<In>> | ((earlier: Earlier<S, After>) => Input<NoInfer<In>>),
    options?: StepOptions<After>,
  ): PlanOf<Add<S, Id, Out, After | S[After]['before']>, Id>;

  /** Adds a message: delivered once the plan is committed, at least once. It answers nothing that could be referenced. */
  message<const Id extends string, In, const After extends keyof S & string = Last>(
    id: Id & Free<Id, S>,
    target: Target<In, unknown>,
    input: Value<NoInfer<In>> | ((earlier: Earlier<S, After>) => Input<NoInfer<In>>),
    options?: MessageStepOptions<After>,
  ): PlanOf<Add<S, Id, never, After | S[After]['before']>, Id>;

  /** Says what holds for the whole plan: `xid`, `timeoutMs`, `businessKey` … */
  with(options: PlanOptions): PlanOf<S, Last>;
}

/** The transaction that a plan became, with the outputs of its steps by id: all of them once it is committed. */
export type TypedView<S extends Steps> = Omit<TransactionView, 'status' | 'result'> &
  (
    | { readonly status: 'committed'; readonly result: Outputs<S> }
    | { readonly status: Exclude<TransactionView['status'], 'committed'>; readonly result: Partial<Outputs<S>> }
  );

type Outputs<S extends Steps> = {
  readonly [Id in keyof S as [S[Id]['output']] extends [never] ? never : Id]: S[Id]['output'];
};
