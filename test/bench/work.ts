/** The reference work: three saga steps in one participant, with about 200 bytes of input each. */

/** `commit`: all three are done. `undo`: the third is refused, the second and the first are compensated. */
export const variants = ['commit', 'undo'] as const;
export type Variant = (typeof variants)[number];

/**
 * Who does the work, and how it is asked for.
 * - `url`, `participant`, `batch`: plans; a bare service whose steps name a URL, or that registered itself, without and
 *   with batches.
 * - `sdk`: plans; a service on the SDK with its fence in SQLite.
 * - `remote`: `client.run` with three remote calls of the same service.
 * - `embed`: plans; coordinator, handlers and callers in one process, no fence.
 */
export const modes = ['url', 'participant', 'batch', 'sdk', 'remote', 'embed'] as const;
export type Mode = (typeof modes)[number];

/** The participant's name where it registers itself. */
export const participant = 'bench';

export const steps = ['order', 'payment', 'stock'] as const;
export type StepName = (typeof steps)[number];

export interface StepInput {
  readonly refuse: boolean;
  readonly [field: string]: string | number | boolean;
}

/** The body of `POST /v1/transactions`. Steps name the URL, or the registered participant where there is none. */
export const planOf = (xid: string, variant: Variant, participantUrl?: string) => ({
  xid,
  name: nameOf(variant),
  steps: steps.map((id) => ({
    id,
    ...(participantUrl === undefined
      ? { participant, handler: id }
      : { kind: 'saga' as const, url: `${participantUrl}/${id}` }),
    input: inputOf(xid, isRefused(variant, id)),
  })),
});

/** What transactions of a variant are called. */
export const nameOf = (variant: Variant): string => `bench-${variant}`;

export const isRefused = (variant: Variant, step: StepName): boolean => variant === 'undo' && step === 'stock';

/** What the bare participant registers: where, and the body. */
export const registrationOf = (url: string, batch: boolean) => ({
  path: `/v1/participants/${participant}/instances/1`,
  body: {
    url,
    handlers: steps.map((name) => ({ name, kind: 'saga' })),
    sdk: 'bench',
    batch,
    ttlMs: 24 * 3600 * 1000,
  },
});

export const inputOf = (xid: string, refuse: boolean): StepInput => ({
  refuse,
  orderId: `order-${xid}`,
  customerId: 'customer-000042',
  sku: 'tea-7f3a91',
  quantity: 2,
  amountCents: 1999,
  currency: 'EUR',
  note: 'please leave it at the door',
});

/** One letter a command, as the participant notes them: what happened to a transaction is a word. */
export const letterOf = (path: string, refused: boolean): string =>
  refused ? `${letters[path] ?? '?'}!` : (letters[path] ?? '?');

const letters: Readonly<Record<string, string>> = Object.freeze({
  '/order/action': 'o',
  '/payment/action': 'p',
  '/stock/action': 's',
  '/order/compensate': 'O',
  '/payment/compensate': 'P',
  '/stock/compensate': 'S',
});

/** How many transactions had which word. */
export type Tally = Readonly<Record<string, number>>;

export const statuses: Readonly<Record<Variant, string>> = Object.freeze({ commit: 'committed', undo: 'rolled_back' });

/** Forward and undo ops of one transaction, refused ones included. */
export const opsOf: Readonly<Record<Variant, number>> = Object.freeze({ commit: 3, undo: 5 });

/** What must come of a transaction, in this order and once each. What is refused leaves nothing in a fenced database. */
export function wordOf(mode: Mode, variant: Variant): string {
  if (variant === 'commit') return 'ops';
  return mode === 'sdk' || mode === 'remote' ? 'opPO' : 'ops!PO';
}

/**
 * What is wrong with the participant's tally; undefined when every transaction had the effects of `word`, once and in
 * order, and nothing else came.
 */
export function wrongEffects(tally: Tally, word: string, count: number): string | undefined {
  const wanted = { [word]: count };
  if (JSON.stringify(tally) === JSON.stringify(wanted)) return undefined;
  return `wrong effects: expected ${JSON.stringify(wanted)}, the participant saw ${JSON.stringify(tally)}`;
}

/** The words of transactions as they are noted in memory. */
export class Words {
  readonly #words = new Map<string, string>();

  note(xid: string, letter: string): void {
    this.#words.set(xid, (this.#words.get(xid) ?? '') + letter);
  }

  /** How many had which word since the last time. */
  take(): Tally {
    const tally: Record<string, number> = {};
    for (const word of this.#words.values()) tally[word] = (tally[word] ?? 0) + 1;
    this.#words.clear();
    return tally;
  }
}
