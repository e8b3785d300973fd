/** A reader of server-sent events, as the HTML standard reads them. */
import { request } from 'node:http';
import type { ExecutionContext } from 'ava';

export interface SeenEvent {
  /** The id that a reader would come back with. */
  readonly id: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  readonly data: any;
}

export interface Reading {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Everything as it came. */
  text(): string;
  readonly events: SeenEvent[];
  lastId(): string;
  /** Resolves when so many came, or one that is meant; rejects when the stream ends before. */
  until(isEnough: (events: readonly SeenEvent[]) => boolean): Promise<readonly SeenEvent[]>;
  /** Resolves when the server ended it. */
  readonly ended: Promise<void>;
  /** Stops reading, and lets what comes pile up. */
  pause(): void;
  leave(): void;
}

export function openStream(t: ExecutionContext, url: string, headers: Record<string, string> = {}): Promise<Reading> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { accept: 'text/event-stream', ...headers } }, (response) => {
      let text = '';
      let rest = '';
      let id = '';
      let isOver = false;
      const events: SeenEvent[] = [];
      const waiting = new Set<() => void>();
      const tell = () => {
        for (const look of [...waiting]) look();
      };
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2)));
          if (fields.id !== undefined) id = fields.id;
          if (fields.data !== undefined)
            events.push({ id, type: fields.event ?? 'message', data: JSON.parse(fields.data) });
        }
        tell();
      });
      const ended = new Promise<void>((over) => {
        response.on('close', () => {
          isOver = true;
          over();
          tell();
        });
      });
      response.on('error', () => undefined);
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text: () => text,
        events,
        lastId: () => id,
        until: (isEnough) =>
          new Promise((enough, never) => {
            const look = () => {
              if (!isEnough(events) && !isOver) return;
              waiting.delete(look);
              if (isEnough(events)) enough(events);
              else never(new Error(`the stream ended after ${JSON.stringify(events)}`));
            };
            waiting.add(look);
            look();
          }),
        ended,
        pause: () => void response.pause(),
        leave: () => void asked.destroy(),
      });
    });
    asked.on('error', reject).end();
    t.teardown(() => void asked.destroy());
  });
}
