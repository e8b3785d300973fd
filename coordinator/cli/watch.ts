/** `concordat tx watch [xid]`: what happens, while it happens. */
import type { Command } from 'commander';
import { pathOf } from '../../sdk/client/calls.js';
import type { Client } from '../../sdk/client/client.js';
import { type EventView, isFinal, type TransactionView } from '../../sdk/protocol/views.js';
import { systemClock } from '../clock.js';
import { exitCodes } from './exit.js';
import { whatHappened } from './explain/happened.js';
import { jsonLine, safe, say } from './print.js';
import { Screen } from './screen.js';
import { serverEvents } from './stream.js';
import { addressOf, type Shared, talking, withClient } from './talking.js';
import { watchedLines } from './watched.js';

const examples = `
With an xid it ends by itself: 0 when the transaction took effect as a whole, 1 when it was rolled back, ended mixed, or
is parked and needs a person. Without one it shows every change of every transaction, until Ctrl-C. On a terminal the
transaction is drawn in place; in a pipe each event is a line; with --json each is a line of JSON.
A coordinator that restarts is waited for, and nothing that happened meanwhile is missed.

Examples:
  $ concordat tx watch order-1042
  $ concordat tx watch order-1042 --json | jq -r .type
  $ concordat tx watch --json | jq -r 'select(.status == "parked") | .xid'`;

/** As a shell has it for a program that SIGINT ended. */
const interrupted = 130;

export function watchCommand(): Command {
  return talking('watch [xid]', 'what happens to a transaction, or to all, while it happens')
    .addHelpText('after', examples)
    .action((xid: string | undefined, options: Shared) =>
      withClient(options, async (client) => {
        const stop = new AbortController();
        const onSignal = (): void => stop.abort();
        process.once('SIGINT', onSignal);
        try {
          const code =
            xid === undefined
              ? await watchAll(options, stop.signal)
              : await watchOne(client, xid, options, stop.signal);
          process.exitCode = stop.signal.aborted ? interrupted : code;
        } finally {
          process.off('SIGINT', onSignal);
        }
      }),
    );
}

const clock = systemClock();

const streamOf = (options: Shared, path: string, signal: AbortSignal) =>
  serverEvents({
    ...addressOf(options),
    path,
    signal,
    clock,
    onBreak: (reason) => process.stderr.write(`${safe(`connecting again: ${reason}`, 200)}\n`),
  });

/** One line a change: a summary as lists have it. */
async function watchAll(options: Shared, signal: AbortSignal): Promise<number> {
  for await (const { type, data } of streamOf(options, '/v1/stream', signal)) {
    if (type === 'reset') {
      process.stderr.write('some changes were missed: the coordinator no longer has them\n');
      continue;
    }
    const change = JSON.parse(data) as Readonly<Record<string, unknown>>;
    if (options.json) say(jsonLine(change));
    else
      say(
        [change.at ?? change.openedAt, change.xid, change.status, change.name, change.reason]
          .map((part) => safe(part, 200))
          .join('  '),
      );
  }
  return exitCodes.ok;
}

async function watchOne(client: Client, xid: string, options: Shared, signal: AbortSignal): Promise<number> {
  const show = options.json ? asJson : process.stdout.isTTY ? onTerminal(client, xid) : asLines(await client.get(xid));
  await show.begin?.();
  const seen: EventView[] = [];
  try {
    for await (const { data } of streamOf(options, `${pathOf(xid)}/events`, signal)) {
      const event = JSON.parse(data) as EventView;
      seen.push(event);
      await show.event(event, seen);
      if (event.type !== 'ended' && event.type !== 'parked') continue;
      const view = await client.get(xid);
      if (!isFinal(view.status) && view.status !== 'parked') continue;
      await show.end?.();
      return exitCodeOf(view);
    }
    return exitCodes.ok;
  } finally {
    show.close?.();
  }
}

/** Whether it took effect as a whole. */
const exitCodeOf = ({ status, heuristic }: TransactionView): number =>
  status === 'committed' || heuristic === 'committed' ? exitCodes.ok : exitCodes.no;

interface Show {
  begin?(): Promise<void>;
  event(event: EventView, seen: readonly EventView[]): void | Promise<void>;
  end?(): Promise<void>;
  close?(): void;
}

const asJson: Show = { event: (event) => say(jsonLine(event)) };

/** `view` gives branches their names; those that are added later come with their event. */
const asLines = (view: TransactionView): Show => ({
  event(event) {
    for (const { at, text } of whatHappened({ view, events: [event] })) say(`${safe(at)}  ${safe(text, 600)}`);
  },
});

const redrawMs = 1000;

function onTerminal(client: Client, xid: string): Show {
  const screen = new Screen(process.stdout);
  let view: TransactionView | undefined;
  let cancel: () => void = () => undefined;
  const draw = (): void => {
    cancel();
    if (!view) return;
    screen.draw(watchedLines(view, clock.now()));
    // What is due is told as "in 3 seconds".
    cancel = clock.after(redrawMs, draw);
  };
  const look = async (): Promise<void> => {
    view = await client.get(xid);
    draw();
  };
  return { begin: look, event: look, end: look, close: () => cancel() };
}
