import type { Ended } from './orders.js';
import { lookUp } from './orders.js';
import type { Processes } from './processes.js';
import { compiled, type Shop } from './shop.js';

/** One invariant and what was found of it; `violations` is empty when it holds. */
export interface Finding {
  readonly invariant: string;
  readonly checked: number;
  readonly violations: readonly string[];
}

const auditMain = compiled('participants/audit/main.js');

/** What checks the services' databases; anybody can run it again while the shop is open. */
export const auditArguments = ({ coordinator, databases }: Shop): readonly string[] => [
  '--coordinator',
  coordinator.url,
  ...(['order', 'payment', 'stock'] as const).flatMap((name) => [`--${name}`, databases[name]]),
];

/** Checks every invariant: what the customers were told against the coordinator, and the coordinator against the books. */
export async function findings(processes: Processes, shop: Shop, ended: readonly Ended[]): Promise<readonly Finding[]> {
  const { printed, complaint } = await processes.run(auditMain, [...auditArguments(shop), '--json']);
  if (printed === '') throw new Error(`the audit failed: ${complaint}`);
  const books = JSON.parse(printed) as readonly Finding[];
  return [...(await promises(shop, ended)), ...books];
}

/** I3 and I10: each order that a customer saw ended is there, ended so, and none waits for anything. */
async function promises({ coordinator }: Shop, ended: readonly Ended[]): Promise<readonly Finding[]> {
  const forgotten: string[] = [];
  const unfinished: string[] = [];
  for (const { transaction } of ended) {
    const { xid, status: told } = transaction;
    const now = await lookUp(coordinator.url, xid);
    if (now?.status !== told) forgotten.push(`${xid}: told ${told}, found ${now?.status ?? 'nothing'}`);
    if (told === 'parked') unfinished.push(`${xid}: parked`);
  }
  return [
    { invariant: 'I3 acknowledged', checked: ended.length, violations: forgotten },
    { invariant: 'I10 ends', checked: ended.length, violations: unfinished },
  ];
}
