import { stripVTControlCharacters } from 'node:util';

/** What a screen needs of a terminal. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** A few lines that are drawn over and over in the same place. */
export class Screen {
  readonly #terminal: Terminal;
  #drawn = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Lines that do not fit are cut: one that wraps would leave its other half behind. */
  draw(text: string): void {
    // A terminal that does not know its size says 0.
    const columns = this.#terminal.columns || 80;
    const rows = this.#terminal.rows || 24;
    const lines = text.split('\n');
    const shown =
      lines.length < rows ? lines : [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more lines`];
    const cut = shown.map((line) => [...stripVTControlCharacters(line)].slice(0, columns - 1).join(''));
    this.#terminal.write(`${this.#drawn > 0 ? `\u001b[${this.#drawn}A` : ''}\r\u001b[J${cut.join('\n')}\n`);
    this.#drawn = cut.length;
  }
}
