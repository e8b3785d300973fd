import { Pool } from 'undici';
import { planted } from '#faults';
import type { Command } from '../../sdk/protocol/commands.js';
import type { Origin } from '../../sdk/protocol/ids.js';
import { defaults } from '../../sdk/protocol/limits.js';
import type { Clock } from '../clock.js';
import { addressBook } from './address.js';
import type { AllowList } from './allow.js';
import { readAnswer } from './answer.js';
import { exchange, type Lost, type Request } from './exchange.js';
import { headersOf, type Sender } from './request.js';
import { signer } from './sign.js';
import { cleanText } from './text.js';
import type { TokenKey } from './token.js';
import type { Answer, Reply, Transport } from './transport.js';

export interface HttpTransportOptions {
  /** The id of our store, not a web origin. */
  readonly origin: Origin;
  readonly tokenKey: TokenKey;
  /** `whsec_…`, every one of them signs. None: commands go unsigned. */
  readonly signingSecrets: readonly string[];
  readonly allow: AllowList;
  readonly clock: Clock;
  /** Connections to one web origin; more calls than that wait for one, on their own deadline. */
  readonly connectionsPerOrigin: number;
}

/** Sends commands as POST requests over kept-alive connections, and believes nothing of what comes back. */
export function httpTransport(options: HttpTransportOptions): Transport {
  const { allow, clock } = options;
  const sender: Sender = {
    origin: options.origin,
    tokenKey: options.tokenKey,
    sign: signer(options.signingSecrets),
  };
  const addressOf = addressBook(allow);
  const pools = poolsByOrigin(options.connectionsPerOrigin);
  let closed = false;

  return {
    async send(command) {
      try {
        return await deliver(command);
      } catch (error) {
        return unknown(`not sent: ${cleanText(String(error), 300)}`);
      }
    },
    async close() {
      closed = true;
      await pools.destroy();
    },
  };

  async function deliver(command: Command): Promise<Reply> {
    if (closed) return unknown('not sent: this coordinator is stopping');
    if (!('url' in command.target)) return unknown('not sent: the target has no URL');
    const address = addressOf(command.target.url);
    if ('refusal' in address) return unknown(`not sent: ${address.refusal}`);
    const now = clock.now();
    if (now >= command.expiresAt && !planted('expired-commands-are-sent')) return unknown('expired before it was sent');
    const body = JSON.stringify(command.body);
    const request: Request = {
      path: `${address.path}/${command.body.op}`,
      headers: headersOf(sender, command, body, now),
      body,
      deadlineMs: now < command.expiresAt ? command.expiresAt - now : defaults.callMs,
    };
    let answer = await exchange(pools.of(address.origin), clock, request);
    if (planted('follow-redirects')) answer = await follow(answer, request);
    return 'error' in answer ? lost(answer) : readAnswer(answer, command.body.op, clock.now());
  }

  /** Only under a planted bug: what every careless client does. */
  async function follow(answer: Answer | Lost, request: Request): Promise<Answer | Lost> {
    if ('error' in answer || answer.status < 300 || answer.status >= 400 || !answer.headers.location) return answer;
    const url = new URL(answer.headers.location);
    return exchange(pools.of(url.origin), clock, { ...request, path: url.pathname });
  }
}

/** Idle pools beyond this are closed: a wildcard in the allow-list may lead to any number of hosts. */
const poolsMax = 1000;

function poolsByOrigin(connections: number): { of(origin: string): Pool; destroy(): Promise<void> } {
  const pools = new Map<string, Pool>();
  const closeIdle = (): void => {
    for (const [origin, pool] of pools) {
      if (pools.size < poolsMax) return;
      if (pool.stats.size > 0) continue;
      pools.delete(origin);
      void pool.destroy();
    }
  };
  return {
    of(origin) {
      const known = pools.get(origin);
      if (known) return known;
      closeIdle();
      const pool = new Pool(origin, { connections, pipelining: 1 });
      pools.set(origin, pool);
      return pool;
    },
    async destroy() {
      await Promise.all(Array.from(pools.values(), (pool) => pool.destroy()));
      pools.clear();
    },
  };
}

const unknown = (error: string): Reply => ({ kind: 'unknown', error });

function lost({ error, timedOut }: Lost): Reply {
  if (timedOut && planted('timeout-is-a-no')) return { kind: 'refused', reason: error };
  return unknown(cleanText(error, 300));
}
