/**
 * A program with decorators, as a text: it is compiled in each mode and run against a real coordinator, with databases of
 * its own in `FOLDER`. It prints what is in them in the end.
 */
export const shop = `
import path from 'node:path';
import knex, { type Knex } from 'knex';
import { type Branch, connect, GlobalTransaction, Participant, Refused, type Remote, Saga, serve, type Settle, Tcc } from 'concordat';

interface Charge { readonly account: string; readonly amount: number }
interface Receipt { readonly id: number }

abstract class Books {
  constructor(readonly db: Knex) {}

  async book(tx: Branch, what: string, account: string, amount: number): Promise<Receipt> {
    const [row] = await tx.db('moves').insert({ what, account, amount }).returning<Receipt[]>('id');
    if (!row) throw new Error('expected a row');
    return { id: row.id };
  }
}

/** Its subclasses are participants: what a base class declares counts for each of them. */
abstract class Payments extends Books {
  @Saga({ compensate: 'refund' })
  async charge({ account, amount }: Charge, tx: Branch): Promise<Receipt> {
    if (amount > 100) throw new Refused('too much', { code: 'too_much' });
    return this.book(tx, this.label() + 'charged', account, amount);
  }

  async refund({ account, amount }: Charge, tx: Settle<Receipt>): Promise<void> {
    await this.book(tx, this.label() + 'refunded ' + tx.output.id, account, -amount);
  }

  @Tcc({ confirm: 'take', cancel: 'release' })
  async hold({ account, amount }: Charge, tx: Branch): Promise<Receipt> {
    return this.book(tx, 'held', account, amount);
  }

  async take({ account }: Charge, tx: Settle<Receipt>): Promise<void> {
    await this.book(tx, 'taken', account, 0);
  }

  async release({ account, amount }: Charge, tx: Settle<Receipt>): Promise<void> {
    await this.book(tx, 'released', account, -amount);
  }

  label(): string { return ''; }
}

@Participant('cards', { db: (self: Cards) => self.db })
class Cards extends Payments {}

@Participant('wires', { db: (self: Wires) => self.db })
class Wires extends Payments {
  override label(): string { return 'wire '; }

  @Saga({ compensate: 'refund', fence: 'none' })
  async unfenced(_input: Charge): Promise<Receipt> { return { id: 0 }; }
}

class Checkout {
  calls = 0;
  constructor(private readonly cards: Remote<Cards>, private readonly wires: Remote<Wires>) {}

  @GlobalTransaction({ timeoutMs: 20_000, wait: 'final', businessKey: (account: string) => account })
  async place(account: string, ...amounts: number[]): Promise<number> {
    this.calls++;
    await this.cards.hold({ account, amount: 1 });
    for (const amount of amounts) await this.wires.charge({ account, amount });
    return amounts.length;
  }
}

async function open(name: string): Promise<Knex> {
  const filename = path.join(process.env.FOLDER ?? '.', name + '.db');
  const db = knex({ client: 'sqlite3', connection: { filename }, useNullAsDefault: true, pool: { min: 1, max: 1 } });
  await db.schema.createTable('moves', (table) => {
    table.increments('id');
    table.string('what');
    table.string('account');
    table.integer('amount');
  });
  return db;
}

async function main(): Promise<void> {
  const client = connect();
  const [cards, wires] = [await open('cards'), await open('wires')];
  const host = await serve({ participants: [new Cards(cards), new Wires(wires)], coordinator: client, listen: '127.0.0.1:0' });
  await host.registered;
  const checkout = new Checkout(client.remote<Cards>('cards'), client.remote<Wires>('wires'));
  const placed = await checkout.place('ann', 10, 20);
  const code = await checkout.place('bob', 10, 101).catch((error: unknown) => (error instanceof Refused ? error.code : String(error)));
  const { items } = await client.list();
  const moves = async (db: Knex) => (await db('moves').orderBy('id')).map(({ what, account }) => account + ' ' + what);
  console.log(JSON.stringify({
    placed, code, calls: checkout.calls,
    transactions: items.map(({ name, status, businessKey }) => [name, status, businessKey].join(' ')),
    cards: await moves(cards), wires: await moves(wires),
  }));
  await host.close();
  await client.close();
  await Promise.all([cards.destroy(), wires.destroy()]);
}

void main();
`;

/** What the program prints. */
export const shopEnds = {
  placed: 2,
  code: 'too_much',
  calls: 2,
  transactions: ['Checkout.place rolled_back bob', 'Checkout.place committed ann'],
  cards: ['ann held', 'ann taken', 'bob held', 'bob released'],
  wires: ['ann wire charged', 'ann wire charged', 'bob wire charged', 'bob wire refunded 3'],
};

/**
 * As a NestJS application has it: providers that a container makes by the types of their parameters, which the compiler
 * writes down (`design:paramtypes`), and by token where there is no type at run time, as for a remote.
 */
export const container = `
type Made = object;
type Constructor = new (...args: never[]) => Made;
const metadata = new WeakMap<object, Map<string, unknown>>();
const define = (target: object, key: string, value: unknown): void => {
  metadata.set(target, (metadata.get(target) ?? new Map()).set(key, value));
};
const read = (target: object, key: string): unknown => metadata.get(target)?.get(key);

/** What \`reflect-metadata\` adds, as far as the compiler asks for it. */
Object.assign(Reflect, { metadata: (key: string, value: unknown) => (target: object, property?: string) => {
  if (property === undefined) define(target, key, value);
} });

export const Injectable = () => (target: object): void => define(target, 'injectable', true);

export const Inject = (token: string) => (target: object, _key: string | symbol | undefined, index: number): void =>
  define(target, 'token ' + index, token);

export class Container {
  readonly #made = new Map<unknown, Promise<unknown>>();

  provide(token: unknown, value: unknown): this {
    this.#made.set(token, Promise.resolve(value));
    return this;
  }

  async get<T extends Made>(constructor: new (...args: never[]) => T): Promise<T> {
    return (await this.#get(constructor)) as T;
  }

  async #get(token: unknown): Promise<unknown> {
    const made = this.#made.get(token) ?? this.#make(token as Constructor);
    this.#made.set(token, made);
    return made;
  }

  async #make(constructor: Constructor): Promise<unknown> {
    const types = (read(constructor, 'design:paramtypes') ?? []) as unknown[];
    const args: unknown[] = [];
    for (const [index, type] of types.entries()) args.push(await this.#get(read(constructor, 'token ' + index) ?? type));
    const made = new constructor(...(args as never[]));
    // As Nest does with everything that it made.
    for (const value of [made, ...args]) {
      const hook = (value as Record<string, unknown>)['onModuleInit'];
      if (typeof hook === 'function') await hook.call(value);
    }
    return made;
  }
}
`;

/** The program of such an application. */
export const application = `
import path from 'node:path';
import knex, { type Knex } from 'knex';
import { type Branch, connect, GlobalTransaction, Participant, type Remote, Saga, serve, type Settle } from 'concordat';
import { Container, Inject, Injectable } from './container.js';

interface Charge { readonly account: string; readonly amount: number }

@Injectable()
class Label { readonly text = 'charged'; }

@Injectable()
@Participant('payment', { db: (self: PaymentService) => self.db })
class PaymentService {
  constructor(@Inject('DB') readonly db: Knex, private readonly label: Label) {}

  @Saga({ compensate: 'refund' })
  async charge({ account, amount }: Charge, tx: Branch): Promise<number> {
    await tx.db('moves').insert({ what: this.label.text, account, amount });
    return amount;
  }

  async refund({ account }: Charge, tx: Settle<number>): Promise<void> {
    await tx.db('moves').insert({ what: 'refunded', account, amount: -tx.output });
  }
}

@Injectable()
class Checkout {
  constructor(@Inject('PAYMENT') private readonly payment: Remote<PaymentService>) {}

  @GlobalTransaction({ name: 'checkout', wait: 'final' })
  async place(account: string, fails: boolean): Promise<number> {
    const amount = await this.payment.charge({ account, amount: 5 });
    if (fails) throw new Error('no');
    return amount;
  }
}

async function main(): Promise<void> {
  const client = connect();
  const filename = path.join(process.env['FOLDER'] ?? '.', 'payment.db');
  const db = knex({ client: 'sqlite3', connection: { filename }, useNullAsDefault: true, pool: { min: 1, max: 1 } });
  await db.schema.createTable('moves', (table) => {
    table.increments('id');
    table.string('what');
    table.string('account');
    table.integer('amount');
  });
  const container = new Container().provide('DB', db).provide('PAYMENT', client.remote<PaymentService>('payment'));
  const service = await container.get(PaymentService);
  const host = await serve({ participants: [service], coordinator: client, listen: '127.0.0.1:0' });
  await host.registered;
  const checkout = await container.get(Checkout);
  const amount = await checkout.place('ann', false);
  const error = await checkout.place('bob', true).catch((error: Error) => error.message);
  const moves = (await db('moves').orderBy('id')).map(({ what, account }) => account + ' ' + what);
  console.log(JSON.stringify({ amount, error, moves, transactions: (await client.list()).items.length }));
  await host.close();
  await client.close();
  await db.destroy();
}

void main();
`;

/** What that program prints: no hook became a call. */
export const applicationEnds = {
  amount: 5,
  error: 'no',
  moves: ['ann charged', 'bob charged', 'bob refunded'],
  transactions: 2,
};
