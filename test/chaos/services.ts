import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import path from 'node:path';
import type { Knex } from 'knex';
import { openDatabase } from '../../participants/database.js';
import { OrderService } from '../../participants/order/order.js';
import { prepareOrder } from '../../participants/order/tables.js';
import { PaymentService } from '../../participants/payment/payment.js';
import { providerAt } from '../../participants/payment/provider.js';
import { preparePayment } from '../../participants/payment/tables.js';
import { StockService } from '../../participants/stock/stock.js';
import { prepareStock } from '../../participants/stock/tables.js';
import { type Host, serve } from '../../sdk/participant/serve.js';
import { gate } from '../participants/shop.js';
import { type Ending, freePort, Program, type Scope } from './program.js';

export const serviceNames = ['order', 'payment', 'stock'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Where a service dies by its own hand: the SDK's fence has these points. */
export { fenceFailpoints as servicePoints } from '../../coordinator/faults/faults.js';

/** Pat has no money, Cleo's account is closed, and there are no kettles. */
export const accounts = { ann: 1_000_000_000, bob: 1_000_000_000, pat: 0, cleo: 1_000_000 };
const skus = { tea: 1_000_000, cup: 1_000_000, kettle: 0 };
const closed = ['cleo'];

const asText = (seed: Readonly<Record<string, number>>): string =>
  Object.entries(seed)
    .map(([name, count]) => `${name}=${count}`)
    .join(',');
const asMap = (seed: Readonly<Record<string, number>>) => new Map(Object.entries(seed));

const flagsOf = ({ provider }: Place): Readonly<Record<ServiceName, readonly string[]>> => ({
  order: [],
  payment: [
    '--accounts',
    asText(accounts),
    '--closed',
    closed.join(','),
    ...(provider ? ['--provider', provider] : []),
  ],
  stock: ['--skus', asText(skus)],
});

const opens: Readonly<Record<ServiceName, (db: Knex, place: Place) => Promise<object>>> = {
  async order(db) {
    await prepareOrder(db);
    return new OrderService(db);
  },
  async payment(db, { provider }) {
    await preparePayment(db, { accounts: asMap(accounts), closed });
    return new PaymentService(db, provider ? providerAt(provider) : undefined);
  },
  async stock(db) {
    await prepareStock(db, { skus: asMap(skus) });
    return new StockService(db);
  },
};

/** A service with one database and one port for all its lives. */
export interface Service {
  readonly name: ServiceName;
  readonly url: string;
  readonly db: string;
  /** Where a step for one of its handlers goes. */
  target(handler: string): Target;
  start(armed?: { readonly failpoint?: string | undefined }): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<Ending>;
  readonly ending: Promise<Ending>;
  /** Holds everybody who comes to that point, but the first few. Only of a service in the test's own process. */
  hold(point: HoldPoint, butTheFirst?: number): Held;
}

export type Target = { readonly url: string } | { readonly participant: ServiceName; readonly handler: string };

/** Before the service has a command, and when it has carried it out and not answered yet. */
export type HoldPoint = 'before-work' | 'before-answer';

export interface Held {
  /** Somebody is held. */
  readonly arrived: Promise<void>;
  release(): void;
}

export interface Place {
  readonly name: ServiceName;
  readonly directory: string;
  /** The coordinator that it registers with, and whether steps name it then; else their URLs lead to it. */
  readonly registry: string;
  readonly named: boolean;
  /** Who carries out transfers, for the payment service. */
  readonly provider?: string | undefined;
}

/** In the test's own process: quick to start, and a test can hold it; it cannot be killed. */
export async function serviceHere(scope: Scope, place: Place): Promise<Service> {
  const { name, directory, registry } = place;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const db = path.join(directory, `${name}.db`);
  const gates = new Map<HoldPoint, ReturnType<typeof gate>>();
  const running: { host?: Host; knex?: Knex } = {};
  const server = createServer(async (request, response) => {
    await gates.get('before-work')?.wait();
    holdAnswer(response, () => gates.get('before-answer')?.wait());
    running.host?.handle(request, response);
  });
  scope.teardown(async () => {
    for (const each of gates.values()) each.release();
    await running.host?.close();
    server.close();
    server.closeAllConnections();
    await running.knex?.destroy();
  });
  return {
    name,
    url,
    db,
    target: targetOf(place, url),
    async start() {
      running.knex = openDatabase(db);
      const service = await opens[name](running.knex, place);
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      running.host = await serve({ participants: [service], publicUrl: url, coordinator: registry, log: silent });
      await running.host.registered;
    },
    kill: () => Promise.reject(new Error(`${name} runs in the process of the test`)),
    ending: new Promise(() => undefined),
    hold(point, butTheFirst = 0) {
      const held = gate();
      let passed = 0;
      gates.set(point, { ...held, wait: () => (passed++ < butTheFirst ? Promise.resolve() : held.wait()) });
      return {
        arrived: held.arrived,
        release() {
          gates.delete(point);
          held.release();
        },
      };
    },
  };
}

const targetOf =
  ({ name, named }: Place, url: string): Service['target'] =>
  (handler) =>
    named ? { participant: name, handler } : { url: `${url}/${handler}` };

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What has been carried out is answered only when `wait` is over. */
function holdAnswer(response: ServerResponse, wait: () => Promise<void> | undefined): void {
  const end = response.end.bind(response);
  response.end = ((...args: Parameters<typeof end>) => {
    const held = wait();
    if (held) void held.then(() => end(...args));
    else end(...args);
    return response;
  }) as typeof response.end;
}

/** As a process of its own. */
export async function serviceApart(scope: Scope, place: Place): Promise<Service> {
  const { name, directory, registry } = place;
  const port = await freePort();
  const db = path.join(directory, `${name}.db`);
  const address = ['--listen', `127.0.0.1:${port}`, '--db', db, '--coordinator', registry];
  const args = [...address, ...flagsOf(place)[name]];
  const program = new Program(scope, { name, main: `participants/${name}/main.js`, args, directory, env: {} });
  const url = `http://127.0.0.1:${port}`;
  return {
    name,
    url,
    db,
    target: targetOf(place, url),
    start: ({ failpoint } = {}) => program.start(failpoint === undefined ? {} : { CONCORDAT_FAILPOINT: failpoint }),
    kill: () => program.kill(),
    get ending() {
      return program.ending;
    },
    hold: () => {
      throw new Error(`${name} runs in a process of its own`);
    },
  };
}

/** The payment provider as a process: its books are its own, and it loses an answer now and then. */
export async function providerApart(scope: Scope, directory: string, manners: readonly string[] = []) {
  const port = await freePort();
  const db = path.join(directory, 'provider.db');
  const args = ['--listen', `127.0.0.1:${port}`, '--db', db, '--accounts', asText(accounts), ...manners];
  const program = new Program(scope, {
    name: 'provider',
    main: 'participants/provider/main.js',
    args,
    directory,
    env: {},
  });
  return {
    url: `http://127.0.0.1:${port}`,
    db,
    start: () => program.start(),
    kill: () => program.kill(),
    get ending() {
      return program.ending;
    },
  };
}

export type ProviderProcess = Awaited<ReturnType<typeof providerApart>>;
