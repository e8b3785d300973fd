/** A client on bare sockets: writes whatever it is given, and reads every answer that comes back. */
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  /** The body that it announces did not come: the answer to HEAD. */
  readonly isHead: boolean;
}

/** Nothing may take longer, on however busy a machine. */
const hangsAfterMs = 60_000;

/** Reads answers one after the other. Throws on what is no answer. */
export class AnswerReader {
  readonly answers: Answer[] = [];
  #bytes: Buffer = Buffer.alloc(0);

  /** What came and is no whole answer yet. */
  get rest(): string {
    return this.#bytes.toString('latin1');
  }

  add(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    for (let taken = this.#take(); taken > 0; taken = this.#take()) this.#bytes = this.#bytes.subarray(taken);
  }

  #take(): number {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return 0;
    const [first = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    if (!status) throw new Error(`expected a status line, got ${JSON.stringify(first.slice(0, 200))}`);
    // "Go on", before the answer itself.
    if (status < 200) return end + 4;
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const announced = Number(headers.get('content-length') ?? 0);
    // To HEAD: the next answer is where a body would be.
    const isHead = this.#bytes.toString('latin1', end + 4, end + 13) === 'HTTP/1.1 ';
    const length = isHead ? 0 : announced;
    if (this.#bytes.length < end + 4 + length) return 0;
    this.answers.push({ status, headers, text: this.#bytes.toString('utf8', end + 4, end + 4 + length), isHead });
    return end + 4 + length;
  }
}

/** A connection that is kept as long as the server keeps it. */
export class Line {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends requests together; resolves with their answers, fewer if the server closed. Rejects when it hangs. */
  ask(requests: readonly Buffer[], withinMs = hangsAfterMs): Promise<readonly Answer[]> {
    this.#socket ??= connect(this.#port, '127.0.0.1').setNoDelay(true);
    const socket = this.#socket;
    const reader = new AnswerReader();
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        socket.removeAllListeners();
        socket.on('error', () => undefined);
        if (error || socket.closed || reader.answers.at(-1)?.headers.get('connection') === 'close') this.close();
        if (error) reject(error);
        else resolve(reader.answers);
      };
      const timer = setTimeout(() => settle(new Error(`no answer: ${requests.at(reader.answers.length)}`)), withinMs);
      socket.on('data', (bytes) => {
        try {
          reader.add(bytes);
        } catch (error) {
          settle(error as Error);
          return;
        }
        if (reader.answers.length >= requests.length) settle();
      });
      // What was refused before it was read resets the connection.
      socket.on('error', () => undefined).on('close', () => settle());
      socket.write(Buffer.concat(requests));
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }
}

/** Sends bytes and no more, and reads until the server ends the connection. Rejects when it does not. */
export function exchangeRaw(port: number, bytes: Buffer, withinMs = hangsAfterMs): Promise<AnswerReader> {
  return new Promise((resolve, reject) => {
    const reader = new AnswerReader();
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end: ${JSON.stringify(bytes.toString('latin1'))}`));
    }, withinMs);
    socket.on('data', (chunk) => {
      try {
        reader.add(chunk);
      } catch (error) {
        socket.destroy();
        reject(new Error(`${(error as Error).message} for ${JSON.stringify(bytes.toString('latin1'))}`));
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(reader);
    });
    socket.end(bytes);
  });
}

/** The first answer's head, for what goes on as a stream; the connection is then closed. */
export function headOf(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => socket.destroy(new Error('no head')), hangsAfterMs);
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(request);
  });
}
