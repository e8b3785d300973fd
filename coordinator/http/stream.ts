/** Every change of every transaction, live. */
import { streamQuery } from '../../sdk/protocol/schemas.js';
import type { Change, SummaryRow } from '../store/store.js';
import { invalid, shown } from './check.js';
import { readQuery } from './query.js';
import type { Answer, Call, Rooms } from './route.js';
import { eventText, type Line } from './streams.js';
import { iso, summaryView } from './views.js';

/** From now on, or from where the last event that was seen is. */
export async function streamChanges({ lookout, store }: Rooms, call: Call): Promise<Answer> {
  const matches = filterOf(call.query);
  const after = lastSeen(call) ?? (await lookout.feed.here());
  const { origin } = store.identity;
  return { status: 200, body: '', stream: (line) => tell(lookout.feed, line, after, origin, matches) };
}

type Matches = (row: SummaryRow) => boolean;

function tell(
  feed: Rooms['lookout']['feed'],
  line: Line,
  after: string,
  origin: string,
  matches: Matches | undefined,
): void {
  // Whoever is cut off before the first event comes back with this.
  line.write(eventText(after));
  const unwatch = feed.watch(
    {
      changed(changes) {
        if (!matches) return line.write(textOf(changes, origin));
        const found = changes.filter(({ row }) => matches(row));
        const last = changes.at(-1);
        const where = last && last !== found.at(-1) ? eventText(last.position) : '';
        line.write(found.map((change) => eventOf(change, origin)).join('') + where);
      },
      missed: (position) => line.write(eventText(position, 'reset', '{}')),
      failed: () => line.end(),
    },
    after,
  );
  void line.closed.then(unwatch);
}

const texts = new WeakMap<readonly Change[], Uint8Array>();

/** All watchers without a filter are sent the same bytes. */
function textOf(changes: readonly Change[], origin: string): Uint8Array {
  const known = texts.get(changes);
  if (known) return known;
  const text = Buffer.from(changes.map((change) => eventOf(change, origin)).join(''));
  texts.set(changes, text);
  return text;
}

const eventOf = ({ position, seq, at, row }: Change, origin: string): string =>
  eventText(position, 'transaction', JSON.stringify({ ...summaryView(row, origin), seq, at: iso(at) }));

/** Undefined when everything is asked for. Throws `invalid_request`. */
function filterOf(query: string): Matches | undefined {
  if (query === '') return undefined;
  const { status: statuses, name, businessKey, participant } = readQuery(streamQuery, query);
  return (row) =>
    (statuses === undefined || statuses.includes(row.status)) &&
    (name === undefined || row.name === name) &&
    (businessKey === undefined || row.businessKey === businessKey) &&
    (participant === undefined || row.participants.includes(participant));
}

/** The id in `Last-Event-ID`; undefined without one. Throws `invalid_request`. */
function lastSeen({ headers }: Call): string | undefined {
  const id = headers['last-event-id'];
  if (id === undefined || id === '') return undefined;
  if (typeof id === 'string' && /^[\w-]{1,64}$/.test(id)) return id;
  throw invalid([{ pointer: 'last-event-id', message: `expected the id of an event, got ${shown(id)}` }]);
}
