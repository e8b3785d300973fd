import { planted } from '#faults';
import { type Command, headers } from '../../sdk/protocol/commands.js';
import type { Origin } from '../../sdk/protocol/ids.js';
import type { Sign } from './sign.js';
import { type TokenKey, tokenFor } from './token.js';

/** What all requests of a coordinator have in common. */
export interface Sender {
  readonly origin: Origin;
  readonly tokenKey: TokenKey;
  readonly sign: Sign | undefined;
}

/** The header lines of a command, name and value in turn. `now` is UTC ms on the store's clock. */
export function headersOf(sender: Sender, command: Command, body: string, now: number): string[] {
  const { xid, branch, op } = command.body;
  const webhookId = `${sender.origin}-${xid}-${branch}-${op}`;
  const lines = [
    'content-type',
    'application/json',
    'accept',
    'application/json',
    headers.origin,
    sender.origin,
    headers.xid,
    xid,
    headers.branch,
    String(branch),
    headers.attempt,
    String(command.attempt),
    headers.expires,
    String(command.expiresAt),
    headers.token,
    tokenFor(sender.tokenKey, xid, branch, op),
    headers.traceparent,
    `00-${command.traceId}-${spanIdOf(command)}-01`,
    headers.webhookId,
    webhookId,
  ];
  if (sender.sign && !planted('unsigned-commands')) {
    const timestampSeconds = Math.floor(now / 1000);
    lines.push(headers.webhookTimestamp, String(timestampSeconds));
    lines.push(headers.webhookSignature, sender.sign(webhookId, timestampSeconds, body));
  }
  return lines;
}

const span = Buffer.alloc(8);

/** A span of its own for each attempt, which whoever reads the log can compute again. */
export function spanIdOf({ body, attempt }: Command): string {
  const text = `${body.xid} ${body.branch} ${body.op} ${attempt}`;
  span.writeUInt32BE(mix(text, 0x01000193), 0);
  // Never zero: all zeros mean "no span".
  span.writeUInt32BE(mix(text, 0x5bd1e995) || 1, 4);
  return span.toString('hex');
}

/** FNV-1a with a final avalanche: no secret, only spread, at a tenth of the price of a digest. */
function mix(text: string, prime: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), prime);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
