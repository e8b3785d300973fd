import path from 'node:path';
import { auditArguments, type Finding } from './findings.js';
import type { Ended } from './orders.js';
import { compiled, type Shop } from './shop.js';
import type { Streamed } from './stream.js';

/** What happened, as a table. */
export function happened({ ended, kills }: Streamed): string {
  const retries = ended.reduce((sum, one) => sum + one.retries, 0);
  const outcomes = new Map<string, number>();
  for (const one of ended) outcomes.set(outcomeOf(one), (outcomes.get(outcomeOf(one)) ?? 0) + 1);
  return table([
    ['what happened', 'how often'],
    ['orders placed', String(ended.length)],
    ...[...outcomes].sort().map(([outcome, count]) => [`  ${outcome}`, String(count)]),
    ...kills.map((kill) => [kill, '1']),
    ['requests sent again by customers, with the same xid', String(retries)],
  ]);
}

/** The status, and of a rollback the reason without what differs from order to order. */
function outcomeOf({ transaction: { status, reason } }: Ended): string {
  const words = status.replace('_', ' ');
  return reason === null ? words : `${words}: ${reason.split(': ').slice(0, 2).join(': ')}`;
}

/** Each invariant with its result, and below the table what broke it. */
export function checked(findings: readonly Finding[]): string {
  const broken = findings.flatMap(({ invariant, violations }) => violations.map((text) => `  ${invariant}: ${text}\n`));
  return (
    table([
      ['invariant', 'checked', 'result'],
      ...findings.map(({ invariant, checked: count, violations }) => [
        invariant,
        String(count),
        violations.length === 0 ? 'holds' : `BROKEN (${violations.length})`,
      ]),
    ]) + broken.slice(0, brokenShownMax).join('')
  );
}

const brokenShownMax = 20;

/** Where to look while everything is up. */
export function lookFurther(shop: Shop, staysUp: boolean): string {
  const { url } = shop.coordinator;
  const { coordinator, order, payment, stock } = shop.databases;
  const when = staysUp ? '' : ' (leave --exit out, and everything stays up for it)';
  const audit = path.relative(process.cwd(), compiled('participants/audit/main.js'));
  return `Look further${when}:
  curl -s '${url}/v1/transactions?status=rolled_back&limit=3'
  curl -s ${url}/v1/transactions/order-0003/events
  curl -s ${url}/v1/participants
  CONCORDAT_URL=${url} npx concordat tx list
  node ${audit} ${auditArguments(shop).join(' ')}
Databases (each service keeps its ledger in the table effects, and what it answered in concordat_fence):
  coordinator ${coordinator}
  order       ${order}
  payment     ${payment}
  stock       ${stock}
`;
}

/** Columns of text, the first row as their heads; columns of numbers are set to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const numeric = head.map((_, column) => rest.every((row) => /^\d+$/.test(row[column] ?? '')));
  const line = (row: readonly string[]) =>
    widths
      .map((width, column) =>
        numeric[column] ? (row[column] ?? '').padStart(width) : (row[column] ?? '').padEnd(width),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return `\n${[line(head), rule, ...rest.map(line)].join('\n')}\n`;
}
