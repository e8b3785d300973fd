import type { TransactionStatus } from '../../sdk/protocol/views.js';

/** Shows how far the orders are: in place on a terminal, a plain line a second anywhere else. */
export class Progress {
  readonly #orders: number;
  readonly #live = process.stdout.isTTY === true;
  readonly #counts = new Map<TransactionStatus, number>();
  readonly #timer: NodeJS.Timeout;
  #placed = 0;
  #shown = '';

  constructor(orders: number) {
    this.#orders = orders;
    this.#timer = setInterval(() => this.#show(), this.#live ? 100 : 1000);
  }

  placed(): void {
    this.#placed++;
  }

  ended(status: TransactionStatus): void {
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + 1);
  }

  /** A line that stays. */
  note(text: string): void {
    this.#wipe();
    process.stdout.write(`! ${text}\n`);
    this.#shown = '';
    this.#show();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#wipe();
    process.stdout.write(`  ${this.#line()}\n`);
  }

  #line(): string {
    const ended = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    const outcomes = [...this.#counts].map(([status, count]) => `${count} ${status.replace('_', ' ')}`);
    return [`${this.#placed} of ${this.#orders} orders placed`, `${this.#placed - ended} in flight`, ...outcomes].join(
      ', ',
    );
  }

  #show(): void {
    const line = this.#line();
    if (line === this.#shown) return;
    this.#shown = line;
    process.stdout.write(this.#live ? `\r\u001b[K  ${line}` : `  ${line}\n`);
  }

  #wipe(): void {
    if (this.#live) process.stdout.write('\r\u001b[K');
  }
}
