/** Requests for every route, drawn from the description of the API and then twisted. */
import { type Described, type Drawn, drawing, type Pools } from '../http/drawn.js';
import { spoiled } from '../http/drawn-values.js';
import type { Dice } from '../simulation/chance.js';
import { byteTwists, textTwists } from './twists.js';
import { wholeBody } from './whole.js';

export interface Prepared {
  /** Of the request: its answer carries it. */
  readonly id: string;
  readonly bytes: Buffer;
  readonly drawn: Drawn;
  /** Whether anything about it is not as described. */
  readonly isMalformed: boolean;
  /** It may end its connection, or never end by itself: nothing comes after it there. */
  readonly lastly: 'close' | 'stream' | undefined;
}

export interface Drawing {
  readonly document: Described;
  readonly dice: Dice;
  readonly pools: Pools;
  /** The share of requests that are as described. */
  readonly good: number;
}

/** Draws one request after the other, always framed as HTTP. */
export function shaped({ document, dice, pools, good }: Drawing): () => Prepared {
  const draw = drawing(document, dice.draw, { pools, flawed: 0.75 });
  const twists = Object.values(textTwists);
  let count = 0;
  // Those with a body have more that can be wrong about them.
  const drawOne = (): Drawn => {
    for (;;) {
      const drawn = draw();
      if (drawn.method === 'GET' && dice.chance(0.7)) continue;
      if (dice.chance(0.5)) return whole(drawn, dice);
      return drawn.method === 'GET' && dice.chance(0.1) ? asStream(drawn, dice) : drawn;
    }
  };
  return () => {
    const drawn = drawOne();
    const isGood = dice.chance(good);
    const mayTwist = !isGood && drawn.body !== undefined && (drawn.flaw === undefined || dice.chance(0.3));
    const body = mayTwist ? dice.one(twists)(drawn.body ?? '', dice) : drawn.body;
    const id = `f-${++count}`;
    return {
      id,
      drawn,
      bytes: framed(drawn, body, id),
      isMalformed: drawn.flaw !== undefined || mayTwist,
      lastly: isStream(drawn) ? 'stream' : mayClose(drawn) ? 'close' : undefined,
    };
  };
}

/** The same request with a body that is right, or would be but for one thing. */
function whole(drawn: Drawn, dice: Dice): Drawn {
  const value = drawn.flaw === 'type' ? undefined : wholeBody(drawn.operation, dice);
  if (value === undefined) return drawn;
  const isSpoiled = dice.chance(0.4);
  const body = JSON.stringify(isSpoiled ? spoiled(dice.draw, value) : value);
  const flaw = isSpoiled ? 'body' : drawn.flaw === 'body' || drawn.flaw === 'text' ? undefined : drawn.flaw;
  return { ...drawn, body, flaw };
}

const accepts = ['text/event-stream', 'text/event-stream;q=0, */*', 'application/x-ndjson', 'a/b/c', ';', '*'];
const places = ['', '0', '1.0', '-1.-1', '9999999999.9', '1.x', '__proto__', '1.0, 1.0', ' '];

/** Asked for in another form, and from some place on. */
const asStream = (drawn: Drawn, dice: Dice): Drawn => ({
  ...drawn,
  headers: { ...drawn.headers, accept: dice.one(accepts), 'last-event-id': dice.one(places) },
});

const isStream = ({ path, headers }: Drawn): boolean =>
  /^\/v1\/stream(?:$|\?)/.test(path) || JSON.stringify(headers).includes('event-stream');

/** What is refused before its body was read ends its connection. */
const mayClose = ({ body, flaw }: Drawn): boolean =>
  body !== undefined && flaw !== 'body' && flaw !== 'text' && flaw !== undefined;

/** A well-formed request. Nobody is asked to wait. */
function framed({ method, path, headers }: Drawn, body: string | Buffer | undefined, id: string): Buffer {
  const all: Record<string, string> = { host: 'localhost', ...headers, 'x-request-id': id };
  const { prefer } = all;
  if (prefer === undefined || /^\s*wait\s*=\s*"?\d{1,2}"?/i.test(prefer)) all.prefer = 'wait=0';
  else if (!/wait/i.test(prefer)) all.prefer = `wait=0, ${prefer}`;
  if (body !== undefined) all['content-length'] = String(Buffer.byteLength(body));
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return body === undefined ? head : Buffer.concat([head, Buffer.from(body as string)]);
}

/** Some requests one after the other, of which any byte may be wrong. */
export function spoiledBytes(next: () => Prepared, dice: Dice): { readonly bytes: Buffer; readonly count: number } {
  const twists = Object.values(byteTwists);
  const count = dice.one([1, 1, 2, 2, 3, 4]);
  const pieces: Buffer[] = [];
  while (pieces.length < count) {
    const prepared = next();
    if (prepared.lastly === 'stream') continue;
    let { bytes } = prepared;
    for (let times = dice.between(0, 2); times > 0; times--)
      bytes = bytes.length > 0 ? dice.one(twists)(bytes, dice) : bytes;
    pieces.push(bytes);
  }
  // The last is always spoiled.
  pieces[count - 1] = dice.one(twists)(pieces[count - 1] ?? Buffer.of(0), dice);
  return { bytes: Buffer.concat(pieces), count };
}
