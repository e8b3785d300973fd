import path from 'node:path';
import type { Failpoint } from '../../participants/failpoint.js';
import { startOrder } from '../../participants/order/order.js';
import { startPayment } from '../../participants/payment/payment.js';
import type { Service as Running, ServiceOptions } from '../../participants/service.js';
import { startStock } from '../../participants/stock/stock.js';
import { gate } from '../participants/shop.js';
import { type Ending, freePort, Program, type Scope } from './program.js';

export const serviceNames = ['order', 'payment', 'stock'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Pat has no money, Cleo's account is closed, and there are no kettles. */
const accounts = { ann: 1_000_000_000, bob: 1_000_000_000, pat: 0, cleo: 1_000_000 };
const skus = { tea: 1_000_000, cup: 1_000_000, kettle: 0 };
const closed = ['cleo'];

const asText = (seed: Readonly<Record<string, number>>): string =>
  Object.entries(seed)
    .map(([name, count]) => `${name}=${count}`)
    .join(',');

const flags: Readonly<Record<ServiceName, readonly string[]>> = {
  order: [],
  payment: ['--accounts', asText(accounts), '--closed', closed.join(',')],
  stock: ['--skus', asText(skus)],
};

const starts: Readonly<Record<ServiceName, (options: ServiceOptions) => Promise<Running>>> = {
  order: startOrder,
  payment: (options) => startPayment({ ...options, accounts: new Map(Object.entries(accounts)), closed }),
  stock: (options) => startStock({ ...options, skus: new Map(Object.entries(skus)) }),
};

/** A service with one database and one port for all its lives. */
export interface Service {
  readonly url: string;
  readonly db: string;
  start(armed?: { readonly failpoint?: string | undefined }): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<Ending>;
  readonly ending: Promise<Ending>;
  /** Holds everybody who comes to that point, but the first few. Only of a service in the test's own process. */
  hold(point: Failpoint, butTheFirst?: number): Held;
}

export interface Held {
  /** Somebody is held. */
  readonly arrived: Promise<void>;
  release(): void;
}

interface Place {
  readonly name: ServiceName;
  readonly directory: string;
}

/** In the test's own process: quick to start, and a test can hold it anywhere; it cannot be killed. */
export async function serviceHere(scope: Scope, { name, directory }: Place): Promise<Service> {
  const port = await freePort();
  const db = path.join(directory, `${name}.db`);
  const gates = new Map<Failpoint, ReturnType<typeof gate>>();
  let running: Running | undefined;
  scope.teardown(async () => {
    for (const each of gates.values()) each.release();
    await running?.stop();
  });
  return {
    url: `http://127.0.0.1:${port}`,
    db,
    async start() {
      running = await starts[name]({ listen: `127.0.0.1:${port}`, db, reach: (point) => gates.get(point)?.wait() });
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

/** As a process of its own. */
export async function serviceApart(scope: Scope, { name, directory }: Place): Promise<Service> {
  const port = await freePort();
  const db = path.join(directory, `${name}.db`);
  const args = ['--listen', `127.0.0.1:${port}`, '--db', db, ...flags[name]];
  const program = new Program(scope, { name, main: `participants/${name}/main.js`, args, directory, env: {} });
  return {
    url: `http://127.0.0.1:${port}`,
    db,
    start: ({ failpoint } = {}) => program.start(failpoint === undefined ? {} : { PARTICIPANT_FAILPOINT: failpoint }),
    kill: () => program.kill(),
    get ending() {
      return program.ending;
    },
    hold: () => {
      throw new Error(`${name} runs in a process of its own`);
    },
  };
}
