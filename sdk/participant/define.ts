/** Participants from plain functions. The decorators make the same of a class. */
import { onlyKnown, shown } from '../client/options.js';
import type { Kind } from '../protocol/kinds.js';
import type { Database } from '../resources/database.js';
import type { Branch, Settle } from './branch.js';
import type { Check, Fencing, Handler, ParticipantDefinition, Work } from './handler.js';

/** How a handler keeps repeats from having a second effect; by default in the database of its participant. */
export interface FenceOptions<External extends boolean = boolean> {
  /** Its effect is outside the participant's database: no transaction is held while it runs; `tx.idempotencyKey` is its key. */
  readonly external?: External;
  /** `none`: the handler sees to repeats, late and empty commands itself. */
  readonly fence?: 'none';
  /** For `external`: how long one run may take before another may begin, in ms; a minute by default. */
  readonly runMs?: number;
}

/** What an undo knows of the forward op's answer: an external one may have been lost on its way. */
type Known<Out, External extends boolean> = External extends true ? Out | undefined : Out;

type Forward<In, Out> = (input: In, tx: Branch) => Promise<Out>;
type Settling<In, Out, External extends boolean> = (
  input: NoInfer<In>,
  tx: Settle<Known<NoInfer<Out>, External>>,
) => Promise<void>;

export interface SagaOptions<In, Out, External extends boolean> extends FenceOptions<External> {
  readonly action: Forward<In, Out>;
  readonly compensate: Settling<In, Out, External>;
}

/** A handler that takes effect at once, and how that is undone. Throws TypeError when an option is wrong. */
export const saga = <In, Out, External extends boolean = false>(options: SagaOptions<In, Out, External>): Handler =>
  defined('saga', options, ['action', 'compensate'], ({ action, compensate }) => ({
    forward: action,
    rollback: compensate,
  }));

export interface TccOptions<In, Out, External extends boolean> extends FenceOptions<External> {
  readonly try: Forward<In, Out>;
  readonly confirm: Settling<In, Out, External>;
  readonly cancel: Settling<In, Out, External>;
}

/** A handler that reserves, and then takes what it reserved or lets go of it. Throws TypeError when an option is wrong. */
export const tcc = <In, Out, External extends boolean = false>(options: TccOptions<In, Out, External>): Handler =>
  defined('tcc', options, ['try', 'confirm', 'cancel'], (works) => ({
    forward: works.try,
    commit: works.confirm,
    rollback: works.cancel,
  }));

export interface MessageOptions<In> extends FenceOptions {
  readonly deliver: (input: In, tx: Branch) => Promise<void>;
}

/** A handler that is called after the commit. Throws TypeError when an option is wrong. */
export const message = <In>(options: MessageOptions<In>): Handler =>
  defined('message', options, ['deliver'], ({ deliver }) => ({ commit: deliver }));

const fencing = ['external', 'fence', 'runMs'] as const satisfies readonly (keyof FenceOptions)[];

/** A handler whose options are known, all of them. That its functions are there is checked where its name is known. */
const defined = <Options extends FenceOptions>(
  kind: Kind,
  options: Options,
  works: readonly (keyof Options & string)[],
  worksOf: (options: Options) => Works,
): Handler => makeHandler(kind, worksOf(onlyKnown(options, [...works, ...fencing], kind)), options);

export interface ParticipantOptions {
  /** A letter, then at most 63 letters, digits, `_` or `-`. */
  readonly name: string;
  /** The participant's own database: the fence is in it, and `tx.db` is its open transaction. */
  readonly db?: Database;
  /** What is limited together with others of the same name. */
  readonly resourceGroup?: string;
  readonly handlers: { readonly [name: string]: Handler };
  /** For transactions that are opened with `onTimeout: 'ask'`. */
  readonly checks?: { readonly [name: string]: Check };
}

const participantOptions = [
  'name',
  'db',
  'resourceGroup',
  'handlers',
  'checks',
] as const satisfies readonly (keyof ParticipantOptions)[];

/** A participant to be given to `serve` or `embed`, which check the rest. Throws TypeError when an option is wrong. */
export function participant(options: ParticipantOptions): ParticipantDefinition {
  const { name, db, resourceGroup, handlers, checks = {} } = onlyKnown(options, participantOptions, 'participant');
  const where = `participant ${shown(name)}`;
  for (const [option, given] of Object.entries({ handlers, checks }))
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      throw new TypeError(`${where}: ${option}: expected an object of them by name, got ${shown(given)}`);
  return Object.freeze({
    name,
    db,
    resourceGroup,
    handlers: new Map(Object.entries(handlers)),
    checks: new Map(Object.entries(checks)),
  });
}

/** One run of an external handler may take so long, unless it says otherwise. */
export const runMsDefault = 60_000;

/** The ops of a handler, as the phases of its kind. */
export interface Works {
  readonly forward?: Work;
  readonly commit?: Work;
  readonly rollback?: Work;
}

/** A handler of any kind, its options resolved. Throws TypeError when one of them is wrong. */
export function makeHandler(
  kind: Kind,
  works: Works,
  { external, fence, runMs = runMsDefault }: FenceOptions,
): Handler {
  if (fence !== undefined && fence !== 'none')
    throw new TypeError(`fence: expected 'none' or nothing, got ${JSON.stringify(fence)}`);
  if (external && fence)
    throw new TypeError(`expected either external or fence: 'none', got both: an external handler has a fence row`);
  if (!Number.isFinite(runMs) || runMs <= 0) throw new TypeError(`runMs: expected ms above 0, got ${runMs}`);
  const fencing: Fencing = external ? 'external' : (fence ?? 'database');
  return Object.freeze({ kind, ...works, fence: fencing, runMs });
}
