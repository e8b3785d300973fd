/** A participant's database in memory: one writer, transactions with savepoints, and everything durable at its commit. */
import type { FenceRow } from '../../sdk/resources/fence/table.js';
import { FenceBusy } from '../../sdk/resources/fence/table.js';
import { never } from '../helpers/never.js';
import type { Effect } from './history.js';

/** What became of a commit: its answer may be lost, and it may have happened or not. */
export type CommitFate = 'done' | 'fails' | 'unknown, done' | 'unknown, not done';
export type NewEffect = Omit<Effect, 'order' | 'at' | 'participant'>;

/** What the process around a connection decides. */
export interface Surroundings {
  /** Lets time pass for a commit; undefined: none passes. */
  readonly commitTakes: () => Promise<void> | undefined;
  readonly commitFate: () => CommitFate;
  /** Stops the process there, perhaps. */
  readonly seam: (where: 'before commit' | 'after commit') => void;
  /** Resolves after so long, by the process's clock; undefined: nobody waits for a database that another process holds. */
  readonly wait: ((ms: number) => Promise<void>) | undefined;
  /** The database was held by another process for too long. */
  readonly onBusy: () => void;
}

export const undisturbed: Surroundings = Object.freeze({
  commitTakes: () => undefined,
  commitFate: () => 'done' as const,
  seam: () => undefined,
  wait: undefined,
  onBusy: () => undefined,
});

/** What outlives its processes. */
export class Disk {
  readonly fence = new Map<string, FenceRow>();
  readonly cells = new Map<string, number>();
  readonly onEffects: (effects: readonly NewEffect[]) => void;
  holder: Transaction | undefined;
  readonly waiting: ((turn: boolean) => void)[] = [];

  constructor(onEffects: (effects: readonly NewEffect[]) => void = () => undefined) {
    this.onEffects = onEffects;
  }

  /** Gives the database to whoever waited longest. */
  pass(): void {
    this.holder = undefined;
    this.waiting.shift()?.(true);
  }
}

const busyAfterMs = 100;
/** One process's way to a disk. */
export class Connection {
  readonly disk: Disk;
  readonly around: Surroundings;
  isDead = false;
  #open: Transaction | undefined;

  constructor(disk: Disk, around: Surroundings = undisturbed) {
    this.disk = disk;
    this.around = around;
  }

  /** Rejects with FenceBusy when another process holds the database for too long. */
  async begin(): Promise<Transaction> {
    const { disk } = this;
    while (disk.holder) {
      const isOurs = disk.holder.connection === this;
      if (!isOurs && !this.around.wait) throw this.#busy();
      if (!(await this.#turn(isOurs))) throw this.#busy();
      if (this.isDead) {
        if (!disk.holder) disk.pass();
        await never();
      }
    }
    const transaction = new Transaction(this);
    disk.holder = transaction;
    this.#open = transaction;
    return transaction;
  }

  /** The process is gone: what it had not committed never was. */
  kill(): void {
    this.isDead = true;
    this.#open?.rollback();
  }

  #turn(isOurs: boolean): Promise<boolean> {
    const { waiting } = this.disk;
    return new Promise((resolve) => {
      waiting.push(resolve);
      if (isOurs) return;
      void this.around.wait?.(busyAfterMs).then(() => {
        const at = waiting.indexOf(resolve);
        if (at >= 0) waiting.splice(at, 1);
        resolve(false);
      });
    });
  }

  #busy(): FenceBusy {
    this.around.onBusy();
    return new FenceBusy('another process holds the database');
  }
}

/** One transaction; what is done through it is undone in the opposite order. */
export class Transaction {
  readonly connection: Connection;
  #undo: (() => void)[] = [];
  #effects: NewEffect[] = [];
  #isOver = false;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  get disk(): Disk {
    return this.connection.disk;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get(cell: string): number {
    this.#assertOpen();
    return this.disk.cells.get(cell) ?? 0;
  }

  add(cell: string, by: number): void {
    this.write(this.disk.cells, cell, this.get(cell) + by);
  }

  note(effect: NewEffect): void {
    this.#assertOpen();
    this.#effects.push(effect);
    this.#undo.push(() => void this.#effects.pop());
  }

  write<V>(table: Map<string, V>, key: string, value: V): void {
    this.#assertOpen();
    this.#remember(table, key);
    table.set(key, value);
  }

  remove<V>(table: Map<string, V>, key: string): void {
    this.#assertOpen();
    this.#remember(table, key);
    table.delete(key);
  }

  /** A savepoint. */
  mark(): number {
    return this.#undo.length;
  }

  rollbackTo(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }

  /** Resolves when it is durable. Rejects when it failed, or when that is not known; never settles in a dead process. */
  async commit(): Promise<void> {
    const { around } = this.connection;
    this.#assertOpen();
    around.seam('before commit');
    if (this.connection.isDead) await never();
    const fate = around.commitFate();
    if (fate !== 'fails') await around.commitTakes();
    if (this.connection.isDead) await never();
    if (fate === 'fails' || fate === 'unknown, not done') this.rollback();
    else this.#end(this.#effects);
    around.seam('after commit');
    if (this.connection.isDead) await never();
    if (fate !== 'done') throw new Error(`the commit: ${fate}`);
  }

  rollback(): void {
    if (this.#isOver) return;
    this.rollbackTo(0);
    this.#end([]);
  }

  #end(effects: readonly NewEffect[]): void {
    this.#isOver = true;
    if (effects.length > 0) this.disk.onEffects(effects);
    if (this.disk.holder === this) this.disk.pass();
  }

  #remember<V>(table: Map<string, V>, key: string): void {
    const before = table.get(key);
    this.#undo.push(() => void (before === undefined ? table.delete(key) : table.set(key, before)));
  }

  #assertOpen(): void {
    if (this.#isOver) throw new Error('the transaction is over');
  }
}
