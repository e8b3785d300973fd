/** What all sending over HTTP has in common: addresses that are allowed, connections, signatures, one deadline. */
import { planted } from '#faults';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Origin } from '../../sdk/protocol/ids.js';
import { defaults } from '../../sdk/protocol/limits.js';
import type { Clock } from '../clock.js';
import { type Address, addressBook } from './address.js';
import type { AllowList } from './allow.js';
import { readAnswer } from './answer.js';
import { exchange, type Lost, type Request } from './exchange.js';
import { type Pools, poolsByOrigin } from './pools.js';
import { headersOf, type Sender } from './request.js';
import { Signing } from './sign.js';
import { cleanText } from './text.js';
import type { TokenKey } from './token.js';
import type { Answer, Reply } from './transport.js';

export interface WireOptions {
  /** The id of our store, not a web origin. */
  readonly origin: Origin;
  readonly tokenKey: TokenKey;
  /** `whsec_…`, every one of them signs. None: commands go unsigned. */
  readonly signingSecrets: readonly string[] | Signing;
  readonly allow: AllowList;
  readonly clock: Clock;
  /** Connections to one web origin; more calls than that wait for one, on their own deadline. */
  readonly connectionsPerOrigin: number;
  /** What requests go out through; connections of its own by default. */
  readonly pools?: Pools;
}

/** Where one command goes: `path` is appended to the URL's. */
export interface Letter {
  readonly url: string;
  readonly path: string;
  readonly command: Command;
  /** Told when nothing came back, though there was time. */
  readonly onLost?: () => void;
}

export class Wire {
  readonly sender: Sender;
  readonly clock: Clock;
  readonly addressOf: (url: string) => Address;
  readonly pools: Pools;
  #closed = false;

  constructor(options: WireOptions) {
    const { origin, tokenKey, signingSecrets } = options;
    const signing = signingSecrets instanceof Signing ? signingSecrets : new Signing(signingSecrets);
    this.sender = {
      origin,
      tokenKey,
      // It may be another one while a command waits.
      get sign() {
        return signing.sign;
      },
    };
    this.clock = options.clock;
    this.addressOf = addressBook(options.allow);
    this.pools = options.pools ?? poolsByOrigin(options.connectionsPerOrigin);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.pools.destroy();
  }

  /** Sends one command as a request of its own. Never rejects. */
  async post(letter: Letter): Promise<Reply> {
    try {
      return await this.#post(letter);
    } catch (error) {
      return notSent(cleanText(String(error), 300));
    }
  }

  async #post({ url, path, command, onLost }: Letter): Promise<Reply> {
    if (this.#closed) return notSent(stopping);
    const address = this.addressOf(url);
    if ('refusal' in address) return notSent(address.refusal);
    const now = this.clock.now();
    if (isOver(command, now)) return expired;
    const body = JSON.stringify(command.body);
    const request: Request = {
      path: address.path + path,
      headers: headersOf(this.sender, command, body, now),
      body,
      deadlineMs: now < command.expiresAt ? command.expiresAt - now : defaults.callMs,
    };
    let answer = await exchange(this.pools.of(address.origin), this.clock, request);
    if (planted('follow-redirects')) answer = await this.#follow(answer, request);
    if (!('error' in answer)) return readAnswer(answer, command.body.op, this.clock.now());
    if (!answer.timedOut) onLost?.();
    return lost(answer);
  }

  /** Only under a planted bug: what every careless client does. */
  async #follow(answer: Answer | Lost, request: Request): Promise<Answer | Lost> {
    if ('error' in answer || answer.status < 300 || answer.status >= 400 || !answer.headers.location) return answer;
    const url = new URL(answer.headers.location);
    return exchange(this.pools.of(url.origin), this.clock, { ...request, path: url.pathname });
  }
}

/** Why nothing is sent any more. */
export const stopping = 'this coordinator is stopping';

export const expired: Reply = Object.freeze({ kind: 'unknown', error: 'expired before it was sent', sent: false });

/** `now` is UTC ms on the store's clock. */
export const isOver = ({ expiresAt }: Command, now: number): boolean =>
  now >= expiresAt && !planted('expired-commands-are-sent');

export const notSent = (why: string): Reply => ({ kind: 'unknown', error: `not sent: ${why}`, sent: false });

function lost({ error, timedOut }: Lost): Reply {
  if (timedOut && planted('timeout-is-a-no')) return { kind: 'refused', reason: error };
  return { kind: 'unknown', error: cleanText(error, 300) };
}
