/** The log of one transaction as it grows. */
import type { Xid } from '../../sdk/protocol/ids.js';
import type { EventView } from '../../sdk/protocol/views.js';
import { invalid, shown } from './check.js';
import { eventViews } from './events.js';
import type { Answer, Call, Rooms } from './route.js';
import { eventText, type Line } from './streams.js';
import { notFound, xidOf } from './waiting.js';

/** How long to wait for the next append before looking whether anybody still reads. */
const waitMs = 15_000;

/** What is there, and then what comes, until the transaction is final. */
export async function liveEvents(rooms: Rooms, call: Call): Promise<Answer> {
  const xid = xidOf(call);
  const seen = lastSeen(call);
  const rows = await rooms.engine.log(xid);
  if (rows.length === 0) throw notFound(xid);
  const events = eventViews(rows);
  // An id that this log does not have is of another one: from the beginning, as a repeat harms nobody.
  const at = events.findIndex((event) => idOf(event) === seen);
  const news = events.slice(at + 1);
  // Nothing will ever come: this status tells an EventSource to stay away.
  if (news.length === 0 && isOver(events)) return { status: 204, body: '' };
  return { status: 200, body: '', stream: (line) => void follow(rooms, xid, line, events, news) };
}

async function follow(
  { engine, log, stopping }: Rooms,
  xid: Xid,
  line: Line,
  all: readonly EventView[],
  first: readonly EventView[],
): Promise<void> {
  let seq = all.at(-1)?.seq ?? 0;
  let isFinal = isOver(all);
  let news = first;
  try {
    for (;;) {
      for (const event of news) {
        line.write(eventText(idOf(event), event.type, JSON.stringify(event)));
        await line.drained();
      }
      if (isFinal || stopping()) break;
      await Promise.race([line.closed, engine.until(xid, (state) => state.seq > seq, waitMs)]);
      if (!line.isOpen) return;
      const rows = await engine.log(xid, seq);
      news = eventViews(rows);
      seq = rows.at(-1)?.seq ?? seq;
      isFinal = isOver(news);
    }
  } catch (error) {
    // Its reader comes back, and hears then what is the matter.
    log.warn({ xid, error: error instanceof Error ? error.message : String(error) }, 'stopped telling events');
  }
  line.end();
}

const idOf = ({ seq, index }: EventView): string => `${seq}.${index}`;

const isOver = (events: readonly EventView[]): boolean => events.some(({ type }) => type === 'ended');

/** The id in `Last-Event-ID`; undefined without one. Throws `invalid_request`. */
function lastSeen({ headers }: Call): string | undefined {
  const id = headers['last-event-id'];
  if (id === undefined || id === '') return undefined;
  if (typeof id === 'string' && /^\d{1,9}\.\d{1,9}$/.test(id)) return id;
  throw invalid([{ pointer: 'last-event-id', message: `expected the id of an event, seq.index, got ${shown(id)}` }]);
}
