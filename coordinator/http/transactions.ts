/** Opening and looking. */
import type { Xid } from '../../sdk/protocol/ids.js';
import { eventViews } from './events.js';
import { liveEvents } from './events-live.js';
import { readKnowing } from './knowing.js';
import { waitMsOf } from './prefer.js';
import type { Answer, Call, Rooms } from './route.js';
import { readOpen } from './submit.js';
import { transactionView } from './views.js';
import { isAtRest, notFound, waitFor, xidOf } from './waiting.js';

export async function openTransaction(rooms: Rooms, call: Call): Promise<Answer> {
  const { engine, clock, chance, store } = rooms;
  const waitMs = waitMsOf(call.headers.prefer);
  const traceId = traceIdOf(call.headers.traceparent) ?? chance.id();
  const { xid: chosen, request } = await readKnowing(rooms, (directory) =>
    readOpen(call.body, {
      allow: rooms.allow,
      directory,
      policy: rooms.policy,
      bodyBytes: call.bodyBytes,
      origin: store.identity.origin,
      now: clock.now(),
      traceId,
    }),
  );
  const xid = (chosen ?? chance.uuid()) as Xid;
  const { state, changed } = await engine.handle(xid, { type: 'open', request }, call);
  const location = { location: `/v1/transactions/${xid}` };
  const status = changed ? 201 : 200;
  if (waitMs === undefined) return { status, body: transactionView(state, clock.now()), headers: location };
  const waited = await waitFor(rooms, state, isAtRest, waitMs, call);
  return {
    status: isAtRest(waited) ? status : 202,
    body: transactionView(waited, clock.now()),
    headers: { ...location, ...applied(waitMs) },
  };
}

/** Tells that a preference was heard. */
export const applied = (waitMs: number): Readonly<Record<string, string>> => ({
  'preference-applied': `wait=${waitMs / 1000}`,
});

/** The trace that the caller is in; all zeros are none. */
function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  const id = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(String(traceparent ?? ''))?.[1];
  return id === undefined || /^0+$/.test(id) ? undefined : id;
}

export async function getTransaction(rooms: Rooms, call: Call): Promise<Answer> {
  const xid = xidOf(call);
  const waitMs = waitMsOf(call.headers.prefer);
  const state = await rooms.engine.read(xid);
  if (!state) throw notFound(xid);
  if (waitMs === undefined) return { status: 200, body: transactionView(state, rooms.clock.now()) };
  const waited = await waitFor(rooms, state, isAtRest, waitMs, call);
  return { status: 200, body: transactionView(waited, rooms.clock.now()), headers: applied(waitMs) };
}

export async function getEvents(rooms: Rooms, call: Call): Promise<Answer> {
  if (/\btext\/event-stream\b/i.test(call.headers.accept ?? '')) return liveEvents(rooms, call);
  const xid = xidOf(call);
  const rows = await rooms.engine.log(xid);
  if (rows.length === 0) throw notFound(xid);
  return { status: 200, body: { items: eventViews(rows) } };
}
