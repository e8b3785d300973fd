/**
 * One process of a participant: the SDK's executor and fence as they are, over a database in memory. It dies and fails where
 * it is told to. The host around them is left out: its context makes every promise of the process dearer.
 */

import { tokenFor } from '../../coordinator/dispatch/token.js';
import type { Reply } from '../../coordinator/dispatch/transport.js';
import type { Identity } from '../../coordinator/store/store.js';
import type { Answer, Received } from '../../sdk/participant/command.js';
import { checkDefinitions } from '../../sdk/participant/definitions.js';
import { createExecutor, type Executor } from '../../sdk/participant/execute.js';
import type { Command } from '../../sdk/protocol/commands.js';
import { copyJson } from '../../sdk/protocol/json.js';
import type { Database, OpenTransaction } from '../../sdk/resources/database.js';
import { giveFenceTable } from '../../sdk/resources/fence/open.js';
import type { ProcessClock } from '../engine/clock.js';
import { never } from '../helpers/never.js';
import { Connection, type Disk, type Surroundings } from '../simulation/database.js';
import { memoryFenceTable } from '../simulation/fence-table.js';
import { type DeskParts, desk } from './desk.js';
import type { Fate, Where } from './seams.js';

export interface ServiceParts
  extends Pick<DeskParts, 'name' | 'provider' | 'check' | 'isMended' | 'onLate' | 'onWrong'> {
  readonly clock: ProcessClock;
  readonly disk: Disk;
  readonly identity: Identity;
  /** A boundary was reached. Handles what befalls but failures of its own work, which it returns. */
  readonly at: (where: Where, service: Service) => Fate | undefined;
}

/** The answer as the coordinator reads it. */
function replyOf(answer: Answer): Reply {
  switch (answer.kind) {
    case 'checked':
      return { kind: 'checked', answer: answer.decision };
    case 'pending':
      return { kind: 'pending', retryAfterMs: answer.retryAfterMs };
    case 'refused':
      return { kind: 'refused', reason: answer.reason, ...(answer.code && { code: answer.code }) };
    default:
      return answer;
  }
}

const silent = Object.freeze({ info: () => undefined, warn: () => undefined, error: () => undefined });
export class Service {
  readonly name: string;
  readonly clock: ProcessClock;
  readonly #at: (where: Where) => Fate | undefined;
  readonly #connection: Connection;
  readonly #identity: Identity;
  #executor: Executor | undefined;
  /** Of the next commit; `from-now` ones stay. */
  #commits: Fate | undefined;
  #works: Fate | undefined;

  private constructor(parts: ServiceParts) {
    this.name = parts.name;
    this.clock = parts.clock;
    this.#identity = parts.identity;
    this.#at = (where) => (this.isAlive ? parts.at(where, this) : undefined);
    this.#connection = new Connection(parts.disk, this.#surroundings());
  }

  static async start(parts: ServiceParts): Promise<Service> {
    const service = new Service(parts);
    const { clock } = parts;
    // Never called: its fence is given to it, and handlers get the transaction of that.
    const db = Object.assign(() => undefined, { client: { driverName: 'simulated' } }) as unknown as Database;
    giveFenceTable(
      db,
      memoryFenceTable(service.#connection, (transaction) => transaction as unknown as OpenTransaction),
    );
    const definition = desk({ ...parts, db, beforeWork: () => service.#beforeWork() });
    const definitions = checkDefinitions([definition], silent);
    service.#executor = createExecutor({ definitions, clock, log: silent });
    await service.#executor.prepare();
    return service;
  }

  get isAlive(): boolean {
    return this.clock.state !== 'dead';
  }

  kill(): void {
    this.clock.state = 'dead';
    this.#connection.kill();
  }

  /** Takes one command. Undefined: nobody is there. Never settles once the process died. */
  async take(command: Command): Promise<Reply | undefined> {
    const executor = this.#executor;
    if (!executor || !this.isAlive || 'url' in command.target) return undefined;
    this.#at('before take');
    if (!this.isAlive) return never();
    // What a handler throws is nobody's answer, as over HTTP.
    const reply = await executor
      .execute(this.#received(command, command.target.handler))
      .then(replyOf, (error): Reply => ({ kind: 'unknown', error: String(error) }));
    this.#at('before answer');
    return this.isAlive ? reply : never();
  }

  /** As it would come over HTTP: nothing of it is shared with the coordinator. */
  #received({ body, attempt, expiresAt }: Command, handler: string): Received {
    const { name: participant } = this;
    const { origin, tokenKey } = this.#identity;
    const copy = { ...body, input: copyJson(body.input), ...(body.output && { output: copyJson(body.output) }) };
    return {
      origin,
      participant,
      handler,
      body: copy,
      attempt,
      expiresAt,
      get token() {
        return tokenFor(tokenKey, body.xid, body.branch, body.op);
      },
    };
  }

  #beforeWork(): Promise<void> | undefined {
    const fate = this.#at('before work');
    if (!this.isAlive) return never();
    if (fate?.endsWith('from-now')) this.#works = fate;
    if (fate || this.#works) throw new Error('the handler fails');
    return undefined;
  }

  #surroundings(): Surroundings {
    return {
      commitTakes: () => undefined,
      commitFate: () => {
        const fate = this.#commits;
        if (fate?.endsWith('once')) this.#commits = undefined;
        // What failed for the first time though it was done does not happen later.
        if (fate === 'done-from-now') this.#commits = 'not-done-from-now';
        if (!fate) return 'done';
        return fate.startsWith('done') ? 'unknown, done' : 'fails';
      },
      seam: (where) => {
        const fate = this.#at(where);
        if (where === 'before commit' && fate) this.#commits = fate;
      },
      wait: undefined,
      onBusy: () => undefined,
    };
  }
}
