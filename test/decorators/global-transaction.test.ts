/** `@GlobalTransaction` beyond what `client.run` does: whom it asks, what it is called, whose `this` it is. */
import test from 'ava';
import {
  type Client,
  connect,
  currentTransaction,
  GlobalTransaction,
  NoCoordinator,
  type Remote,
  setDefaultClient,
} from '../../sdk/index.js';
import { type Bank, startBank, type Transfer } from '../context/bank.js';

const charge: Transfer = { account: 'ann', amount: 10 };

class Shop {
  readonly bank: Remote<Bank>;
  readonly #secret = 'mine';

  constructor(bank: Remote<Bank>) {
    this.bank = bank;
  }

  @GlobalTransaction({ businessKey: ({ account }: Transfer) => `order of ${account}`, timeoutMs: 30_000 })
  async sell(what: Transfer, times = 1): Promise<readonly [string | undefined, string]> {
    for (let time = 0; time < times; time++) await this.bank.charge(what);
    return [currentTransaction()?.xid, this.#secret];
  }

  @GlobalTransaction({ name: 'twice' })
  async sellTwice(what: Transfer): Promise<readonly (string | undefined)[]> {
    const [first] = await this.sell(what);
    const [second] = await this.sell(what);
    return [first, second, currentTransaction()?.xid];
  }

  @GlobalTransaction({ propagation: 'requiresNew' })
  async audit(): Promise<string | undefined> {
    return currentTransaction()?.xid;
  }

  @GlobalTransaction()
  async auditing(): Promise<boolean> {
    return (await this.audit()) !== currentTransaction()?.xid;
  }

  @GlobalTransaction({ propagation: 'supports' })
  async look(): Promise<boolean> {
    return currentTransaction() === undefined;
  }
}

test('it is named after class and method, has a business key from the arguments, and keeps this', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const shop = new Shop(bank);
  const [xid, secret] = await shop.sell(charge, 2);
  t.is(secret, 'mine');
  t.is(await balance('ann'), 80);
  t.like(await client.get(xid ?? ''), { name: 'Shop.sell', businessKey: 'order of ann', status: 'committed' });
  t.deepEqual([shop.sell.name, shop.sell.length], ['sell', 1]);
  t.deepEqual(charge, { account: 'ann', amount: 10 });
});

test('methods that call each other are one transaction, and another level another', async (t) => {
  const { client, bank, balance } = await startBank(t);
  const shop = new Shop(bank);
  const xids = await shop.sellTwice(charge);
  t.is(new Set(xids).size, 1);
  t.is((await client.get(xids[0] ?? '')).name, 'twice');
  t.is(await balance('ann'), 80);
  t.true(await shop.auditing());
  t.true(await shop.look());
});

test('the client is that of via, else that of a remote, else the default, else NoCoordinator', async (t) => {
  const { client, bank, url } = await startBank(t);
  const other = connect({ url });
  t.teardown(() => other.close());
  const asked: string[] = [];
  const spied = (name: string, real: Client): Client => ({
    ...real,
    run: ((...args: Parameters<Client['run']>) => {
      asked.push(name);
      return real.run(...args);
    }) as Client['run'],
  });
  class Bare {
    readonly client: Client;
    constructor(own: Client) {
      this.client = own;
    }
    @GlobalTransaction()
    async bare(): Promise<number> {
      return 1;
    }
    @GlobalTransaction({ via: (self: Bare) => self.client })
    async via(): Promise<number> {
      return 2;
    }
  }
  const bare = new Bare(spied('via', other));
  const error = await t.throwsAsync(bare.bare(), { instanceOf: NoCoordinator });
  t.regex(error?.message ?? '', /^'Bare\.bare' has nobody to open its transaction with: .*setDefaultClient\(client\)/);
  setDefaultClient(spied('default', client));
  t.teardown(() => setDefaultClient(undefined));
  t.is(await bare.bare(), 1);
  t.is(await bare.via(), 2);
  // A remote comes before the default.
  await new Shop(bank).audit();
  t.deepEqual(asked, ['default', 'via']);
});

test('options that cannot be are told when the class is made', (t) => {
  const wrong = { propagation: 'sometimes' } as never;
  t.throws(() => GlobalTransaction(wrong), { message: /^propagation: expected one of required/ });
  for (const [options, message] of [
    [{ timeoutMS: 1 }, /^@GlobalTransaction: expected no options but .*, via, got "timeoutMS"$/],
    [{ noRollbackFor: ['Error'] }, /^noRollbackFor: expected error classes/],
    [{ businessKey: 'a' }, /^@GlobalTransaction: businessKey: expected a function, got "a"$/],
    [{ via: {} }, /^@GlobalTransaction: via: expected a function/],
  ] as const)
    t.throws(() => GlobalTransaction(options as never), { instanceOf: TypeError, message });
  const decorate = GlobalTransaction() as unknown as (...args: unknown[]) => unknown;
  t.throws(() => decorate(undefined, { kind: 'field', name: 'x' }), {
    message: /^@GlobalTransaction: expected a method/,
  });
});

test.serial('what a framework noted on a method stays on it', (t) => {
  const notes = new WeakMap<object, Map<unknown, unknown>>();
  const metadata = {
    defineMetadata: (key: unknown, value: unknown, target: object) =>
      void notes.set(target, (notes.get(target) ?? new Map()).set(key, value)),
    getOwnMetadata: (key: unknown, target: object) => notes.get(target)?.get(key),
    getOwnMetadataKeys: (target: object) => [...(notes.get(target)?.keys() ?? [])],
  };
  Object.assign(Reflect, metadata);
  t.teardown(() => {
    for (const name of Object.keys(metadata)) Reflect.deleteProperty(Reflect, name);
  });
  const Get = (path: string) => (method: object, _context: unknown) => metadata.defineMetadata('path', path, method);
  class Controller {
    @GlobalTransaction()
    @Get('/cart')
    async cart(): Promise<void> {
      await Promise.resolve();
    }
  }
  t.is(metadata.getOwnMetadata('path', Controller.prototype.cart), '/cart');
});
