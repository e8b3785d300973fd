/** The reference work: a plan of three saga steps in one participant, with about 200 bytes of input each. */

/** `commit`: all three are done. `undo`: the third is refused, the second and the first are compensated. */
export const variants = ['commit', 'undo'] as const;
export type Variant = (typeof variants)[number];

/** How steps name where they go: by a URL, or by a participant that registered itself, with or without batches. */
export type Addressing = 'url' | 'participant' | 'batch';

/** The participant's name where it registers itself. */
const participant = 'bench';

export const steps = ['order', 'payment', 'stock'] as const;

export interface StepInput {
  readonly refuse: boolean;
  readonly [field: string]: string | number | boolean;
}

/** The body of `POST /v1/transactions`. */
export const planOf = (xid: string, variant: Variant, participantUrl: string, to: Addressing = 'url') => ({
  xid,
  name: `bench-${variant}`,
  steps: steps.map((id) => ({
    id,
    ...(to === 'url' ? { kind: 'saga', url: `${participantUrl}/${id}` } : { participant, handler: id }),
    input: inputOf(xid, variant === 'undo' && id === 'stock'),
  })),
});

/** What the participant registers: where, and the body. */
export const registrationOf = (url: string, to: Addressing) => ({
  path: `/v1/participants/${participant}/instances/1`,
  body: {
    url,
    handlers: steps.map((name) => ({ name, kind: 'saga' })),
    sdk: 'bench',
    batch: to === 'batch',
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

/** What must come of a transaction: its status, and its commands at the participant, in this order and once each. */
export const expected: Readonly<Record<Variant, { readonly status: string; readonly word: string }>> = Object.freeze({
  commit: { status: 'committed', word: 'ops' },
  undo: { status: 'rolled_back', word: 'ops!PO' },
});

/**
 * What is wrong with the participant's tally of words; undefined when every transaction's commands came once, in
 * order, and nothing else came.
 */
export function wrongEffects(tally: Readonly<Record<string, number>>, variant: Variant, count: number) {
  const wanted = { [expected[variant].word]: count };
  if (JSON.stringify(tally) === JSON.stringify(wanted)) return undefined;
  return `wrong effects: expected ${JSON.stringify(wanted)}, the participant saw ${JSON.stringify(tally)}`;
}
