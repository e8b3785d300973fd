import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TransactionView } from '../../sdk/protocol/views.js';
import { startRegistry } from '../participants/shop.js';
import { wrongAtTheEnd, wrongNow } from './audit.js';
import { type Armed, Coordinator } from './coordinator.js';
import { Customer } from './customer.js';
import { type EffectRow, readEffects } from './ledgers.js';
import { initiate, type OrderKind, planOf, type Step, timeoutMs } from './orders.js';
import type { Scope } from './program.js';
import {
  type ProviderProcess,
  providerApart,
  type Service,
  type ServiceName,
  serviceApart,
  serviceHere,
  serviceNames,
} from './services.js';

export interface ShopOptions extends Armed {
  /** Kills that service there; it runs as a process of its own. */
  readonly participantFailpoint?: Partial<Record<ServiceName, string>>;
  /** Services that run as processes of their own, to be killed. */
  readonly apart?: readonly ServiceName[];
  /** Services that are down at first. */
  readonly down?: readonly ServiceName[];
  /** The services are registered, and steps name them; else steps have their URLs. */
  readonly named?: boolean;
  /** There is a payment provider, a process of its own with these flags. */
  readonly provider?: readonly string[];
}

/** How long everything may take to come to its end once nothing fails any more (I10). */
const endsWithinMs = 30_000;

const parts = ['coordinator', 'services', 'customer', 'provider'] as const;

/** A coordinator process on a SQLite file, three services with their databases, and one stubborn customer. */
export class Shop {
  readonly coordinator: Coordinator;
  readonly services: Readonly<Record<ServiceName, Service>>;
  readonly customer: Customer;
  readonly provider: ProviderProcess | undefined;
  readonly kinds = new Map<string, OrderKind>();
  #count = 0;

  constructor({ coordinator, services, customer, provider }: Pick<Shop, (typeof parts)[number]>) {
    this.coordinator = coordinator;
    this.services = services;
    this.customer = customer;
    this.provider = provider;
  }

  /** A new xid. */
  next(prefix: string): string {
    return `${prefix.replaceAll(/\W+/g, '-')}-${++this.#count}`;
  }

  /** Places an order; resolves with its xid when the client has done its part: it is acknowledged, or decided. */
  async order(kind: OrderKind): Promise<string> {
    const xid = this.next(kind);
    this.kinds.set(xid, kind);
    if (kind === 'initiated') await initiate(this.customer, this.services, xid, 'bob');
    else if (kind === 'initiated, refused') await initiate(this.customer, this.services, xid, 'pat');
    else await this.customer.open({ xid, name: 'order', timeoutMs, steps: planOf(this.services, kind) });
    return xid;
  }

  /** Places a plan of the test's own. */
  async submit(steps: readonly Step[], options: object = {}): Promise<string> {
    const xid = this.next('plan');
    await this.customer.open({ xid, name: 'plan', steps, ...options });
    return xid;
  }

  /** Waits until all are final or parked. */
  settled(xids: readonly string[], withinMs = endsWithinMs): Promise<readonly TransactionView[]> {
    return Promise.all(xids.map((xid) => this.customer.ended(xid, withinMs)));
  }

  /** Waits until the transaction looks like that. */
  reaches(xid: string, looks: (view: TransactionView) => boolean): Promise<TransactionView> {
    return this.customer.sees(xid, looks);
  }

  /** Waits until a command of that step has failed and is tried again. */
  triedAgain(xid: string, id: string, times = 2): Promise<TransactionView> {
    return this.reaches(xid, ({ branches, waitingOn }) => {
      const branch = branches.find((each) => each.id === id)?.branch;
      return waitingOn.some((work) => work.branch === branch && work.attempt > times);
    });
  }

  /** What is wrong though anything may be down and under way. */
  auditNow(): Promise<readonly string[]> {
    return wrongNow(this);
  }

  /** What is wrong when everything should have ended. Empty when every invariant holds. */
  audit(): Promise<readonly string[]> {
    return wrongAtTheEnd(this);
  }

  async ledger(xid: string): Promise<readonly EffectRow[]> {
    return (await readEffects(this.services, this.provider)).filter((row) => row.xid === xid);
  }

  /** The names of its effects, in alphabetical order. */
  async effects(xid: string): Promise<readonly string[]> {
    return (await this.ledger(xid)).map(({ effect }) => effect).sort();
  }
}

export async function startShop(scope: Scope, options: ShopOptions = {}): Promise<Shop> {
  const { participantFailpoint = {}, apart = [], down = [], env = {}, named = false, ...rest } = options;
  const { provider: manners, ...armed } = rest;
  const directory = await mkdtemp(path.join(tmpdir(), 'concordat-chaos-'));
  scope.teardown(() => rm(directory, { recursive: true, force: true }));
  const coordinator = await Coordinator.prepare(scope, directory, env);
  const provider = manners && (await providerApart(scope, directory, manners));
  await provider?.start();
  if (named) await coordinator.start(armed);
  const registry = named ? coordinator.url : await startRegistry(scope);
  const services = {} as Record<ServiceName, Service>;
  await Promise.all(
    serviceNames.map(async (name) => {
      const failpoint = participantFailpoint[name];
      const isApart = failpoint !== undefined || apart.includes(name) || down.includes(name);
      const place = { name, directory, registry, named, provider: provider?.url };
      const service = await (isApart ? serviceApart : serviceHere)(scope, place);
      services[name] = service;
      await service.start({ failpoint });
      if (down.includes(name)) await service.kill();
    }),
  );
  if (!named) await coordinator.start(armed);
  return new Shop({ coordinator, services, provider, customer: new Customer(scope, coordinator.url) });
}
