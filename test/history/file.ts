/** Histories as files: one record a line. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { HistoryChecker, type Verdict } from './checker.js';
import type { HistoryRecord } from './records.js';

const chunkBytes = 1 << 20;
/** Small enough that its lines die young. */
const readBytes = 1 << 17;

/** Adds records to a file and never changes one. */
export class HistoryWriter {
  readonly #file: number;
  #lines: string[] = [];
  #chars = 0;

  /** Throws when the file is there: a history is written once. */
  constructor(path: string) {
    this.#file = openSync(path, 'ax');
  }

  write(record: HistoryRecord): void {
    const line = JSON.stringify(record);
    this.#lines.push(line);
    this.#chars += line.length;
    if (this.#chars > chunkBytes) this.flush();
  }

  flush(): void {
    if (this.#lines.length > 0) writeSync(this.#file, `${this.#lines.join('\n')}\n`);
    this.#lines = [];
    this.#chars = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }
}

/** Checks a file. Throws when it cannot be read, or has a line that is no record: said with its number. */
export function checkFile(path: string): Verdict {
  const checker = new HistoryChecker();
  let number = 0;
  eachLine(path, (line) => {
    number++;
    try {
      checker.feed(JSON.parse(line) as HistoryRecord);
    } catch (error) {
      throw new Error(`${path}, line ${number}: ${error instanceof Error ? error.message : error}`);
    }
  });
  return checker.verdict();
}

/** Line by line, without the whole file in memory. A last line without an end is one that was being written: it is left out. */
function eachLine(path: string, take: (line: string) => void): void {
  const file = openSync(path, 'r');
  try {
    let buffer = Buffer.alloc(readBytes);
    let filled = 0;
    for (;;) {
      const got = readSync(file, buffer, filled, buffer.length - filled, null);
      if (got === 0) return;
      filled += got;
      const end = buffer.lastIndexOf(10, filled - 1);
      if (end >= 0) {
        for (const line of buffer.toString('utf8', 0, end).split('\n')) take(line);
        buffer.copyWithin(0, end + 1, filled);
        filled -= end + 1;
      } else if (filled === buffer.length) buffer = Buffer.concat([buffer, Buffer.alloc(buffer.length)]);
    }
  } finally {
    closeSync(file);
  }
}
