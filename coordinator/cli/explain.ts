/** `concordat explain XID`: a transaction in plain words. */
import type { Command } from 'commander';
import { exchangeWith } from '../../sdk/client/exchange.js';
import type { ParticipantView } from '../../sdk/protocol/views.js';
import { systemClock } from '../clock.js';
import { explain, explanationLines } from './explain/explain.js';
import { json, say } from './print.js';
import { addressOf, rightly, type Shared, talking, withClient } from './talking.js';

const examples = `
Examples:
  $ concordat explain order-1042
  $ concordat explain order-1042 --json | jq -r '.youCan[].command'`;

export function explainCommand(): Command {
  return talking(
    'explain <xid>',
    'a transaction in plain words: what happened, what it waits for, what comes next, what to do',
  )
    .addHelpText('after', examples)
    .action((xid: string, options: Shared) =>
      withClient(options, async (client) => {
        const [view, events, participants] = [
          await client.get(xid),
          await client.events(xid),
          await readParticipants(options),
        ];
        const now = systemClock().now();
        const { url } = options;
        const explanation = explain({ view, events, participants, now, ...(url !== undefined && { url }) });
        say(options.json ? json(explanation) : explanationLines(explanation, now));
      }),
    );
}

async function readParticipants(options: Shared): Promise<readonly ParticipantView[]> {
  const { url, apiKey } = addressOf(options);
  const exchange = rightly(() => exchangeWith(url, { apiKey }));
  try {
    const answer = await exchange.send<{ readonly items: readonly ParticipantView[] }>({
      method: 'GET',
      path: '/v1/participants',
      repeatable: true,
    });
    return answer.items;
  } finally {
    await exchange.close();
  }
}
