/**
 * One connection to the server with its prepared statements.
 *
 * - One statement at a time, in the order they were asked for; a transaction of several keeps others out.
 * - A connection that is gone is made anew with the next statement. A server that cannot be reached is not tried again
 *   before a while, longer each time and drawn at random; meanwhile every statement fails at once.
 * - Nothing is sent twice from here: whoever asked decides what a lost answer means.
 */
import type { Client, ClientConfig } from 'pg';
import type { Chance } from '../../clock.js';
import type { Row } from '../rows.js';
import { StoreError } from '../store.js';
import type { TimeSource } from '../time.js';
import type { Driver } from './driver.js';
import { Away, isOver, reasonOf } from './errors.js';
import { type StatementName, statements } from './statements.js';

export type Run = (name: StatementName, ...values: readonly unknown[]) => Promise<readonly Row[]>;

export interface ConnectionOptions {
  readonly driver: Driver;
  readonly config: ClientConfig;
  /** Makes a new connection ready; throws where its server must not be used. */
  readonly prepare: (client: Client) => Promise<void>;
  readonly time: Pick<TimeSource, 'monotonic'>;
  readonly chance: Pick<Chance, 'draw'>;
}

/** So many may wait for one connection: more would be answered long after their callers have gone. */
const waitingMax = 1000;
const retryMs = { first: 50, most: 2000 };

export class Connection {
  readonly #options: ConnectionOptions;
  #client: Client | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #failures = 0;
  #resumeAt = 0;
  #failure: unknown;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** How many wait for it, or are under way. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Runs a statement to its end and resolves with its rows. */
  readonly run: Run = (name, ...values) => this.#exclusive((client) => send(client, name, values));

  /** Runs a statement when nobody else's of this key is under way, on whatever connection, and commits it. */
  inTurn(key: string, name: StatementName, ...values: readonly unknown[]): Promise<readonly Row[]> {
    return this.#exclusive(async (client) => {
      await send(client, 'begin', []);
      try {
        await send(client, 'lock', [key]);
        const rows = await send(client, name, values);
        await send(client, 'commit', []);
        return rows;
      } catch (error) {
        // Whatever was begun ends with the connection.
        this.#drop(client);
        throw error;
      }
    });
  }

  /** Resolves when nothing is under way. A server that does not answer is not waited for. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
    if (this.#client) this.#drop(this.#client);
  }

  #exclusive<T>(work: (client: Client) => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingMax)
      return Promise.reject(new StoreError('outage', `${waitingMax} statements wait for the database already`));
    this.#waiting++;
    const turn = this.#last.then(() => this.#use(work));
    this.#last = turn.then(this.#ended, this.#ended);
    return turn;
  }

  readonly #ended = (): void => {
    this.#waiting--;
  };

  async #use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = this.#client ?? (await this.#connect());
    try {
      return await work(client);
    } catch (error) {
      if (isOver(error)) this.#drop(client);
      throw error;
    }
  }

  async #connect(): Promise<Client> {
    const { driver, config, prepare, time, chance } = this.#options;
    if (this.#closed) throw new StoreError('closed', 'the store is closed');
    if (time.monotonic() < this.#resumeAt) throw new Away(reasonOf(this.#failure), { cause: this.#failure });
    const client = new driver.Client(config);
    // Without a listener a connection that the server ends would end this process.
    client.on('error', () => this.#drop(client));
    try {
      await client.connect();
      await prepare(client);
    } catch (error) {
      this.#drop(client);
      this.#failure = error;
      const delayMs = Math.min(retryMs.first * 2 ** this.#failures++, retryMs.most);
      this.#resumeAt = time.monotonic() + delayMs * (0.5 + chance.draw() / 2);
      throw error instanceof StoreError ? error : new Away(reasonOf(error), { cause: error });
    }
    this.#failures = 0;
    this.#client = client;
    return client;
  }

  /** What is under way there is lost to us, whether it is done or not. */
  #drop(client: Client): void {
    if (this.#client === client) this.#client = undefined;
    client.end().catch(() => undefined);
  }
}

async function send(client: Client, name: StatementName, values: readonly unknown[]): Promise<readonly Row[]> {
  const text = statements[name];
  return (await client.query<Row>({ name, text, values: [...values] })).rows;
}

/** Several connections for what may go on beside each other: each statement goes where the fewest wait. */
export class Connections {
  readonly #all: readonly Connection[];

  constructor(count: number, make: () => Connection) {
    this.#all = Array.from({ length: count }, make);
  }

  get least(): Connection {
    return this.#all.reduce((least, next) => (next.waiting < least.waiting ? next : least));
  }

  readonly run: Run = (name, ...values) => this.least.run(name, ...values);

  async close(): Promise<void> {
    await Promise.all(this.#all.map((connection) => connection.close()));
  }
}
