/** How commands go together in one request. */
import { planted } from '#faults';
import { type Command, headers } from '../../sdk/protocol/commands.js';
import { type Sender, spanIdOf } from './request.js';
import { tokenFor } from './token.js';

/**
 * A command as JSON, with the headers that it would have by itself. Made by hand, as every command of a busy coordinator
 * comes through here: each value but the body is of a pattern that needs no escape.
 */
export function itemOf({ origin, tokenKey }: Sender, handler: string, command: Command): string {
  const { body, attempt, expiresAt, traceId } = command;
  const { xid, branch, op } = body;
  return (
    `{"path":"/${handler}/${op}","headers":{` +
    `"${headers.origin}":"${origin}","${headers.xid}":"${xid}","${headers.branch}":"${branch}",` +
    `"${headers.attempt}":"${attempt}","${headers.expires}":"${expiresAt}",` +
    `"${headers.token}":"${tokenFor(tokenKey, xid, branch, op)}",` +
    `"${headers.traceparent}":"00-${traceId}-${spanIdOf(command)}-01",` +
    `"${headers.webhookId}":"${origin}-${xid}-${branch}-${op}"},"body":${JSON.stringify(body)}}`
  );
}

/** Makes the body of a request out of its items. */
export const batchBody = (items: readonly string[]): string => `{"commands":[${items.join(',')}]}`;

/** What {@link batchBody} adds to its items, at most: the frame, and a comma for each. */
export const frameBytes = (items: number): number => 16 + items;

/**
 * The header lines of the request as a whole, name and value in turn. It is signed like any other, under an id of its
 * own: no attempt is ever in two of them. `now` is UTC ms on the store's clock.
 */
export function batchHeaders(sender: Sender, first: Command, body: string, now: number): string[] {
  const { xid, branch, op } = first.body;
  const webhookId = `${sender.origin}-batch-${xid}-${branch}-${op}-${first.attempt}`;
  const lines = [
    'content-type',
    'application/json',
    'accept',
    'application/x-ndjson, application/json',
    headers.origin,
    sender.origin,
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
