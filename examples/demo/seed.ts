/** What is on the shelves, with its price. */
export const prices = { tea: 450, cup: 1200, pot: 3900 } as const;

type Sku = keyof typeof prices;

/** One order as a customer wishes it. */
export interface Wish {
  readonly xid: string;
  readonly customer: string;
  readonly lines: readonly {
    readonly sku: Sku | 'moonstone';
    readonly quantity: number;
    readonly priceCents: number;
  }[];
}

const line = (sku: Sku, quantity: number) => ({ sku, quantity, priceCents: prices[sku] });

/** Of every eight orders: five good ones, a customer without money, one whose account is closed, and goods that are not there. */
export function wish(index: number): Wish {
  const xid = `order-${String(index + 1).padStart(4, '0')}`;
  switch (index % 8) {
    case 2:
      return { xid, customer: 'pat', lines: [line('pot', 1)] };
    case 4:
      return { xid, customer: 'ann', lines: [line('tea', 1), { sku: 'moonstone', quantity: 1, priceCents: 990 }] };
    case 7:
      return { xid, customer: 'cleo', lines: [line('tea', 2)] };
    default:
      return { xid, customer: index % 2 ? 'ann' : 'bob', lines: [line('tea', 1 + (index % 3)), line('cup', 1)] };
  }
}

/** Enough for every good order, and too little for Pat. */
export const accounts = (orders: number): string => `ann=${orders * 10_000},bob=${orders * 10_000},pat=3000,cleo=50000`;
export const closed = 'cleo';
export const skus = (orders: number): string => `tea=${orders * 4},cup=${orders},pot=${orders},moonstone=0`;
