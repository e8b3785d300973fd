/** What the services' databases say: effects are facts, everything else is a claim. */
import { openReadOnly } from '../../participants/database.js';
import { kindNames, opOf } from '../../sdk/protocol/kinds.js';
import { type Service, type ServiceName, serviceNames } from './services.js';

export interface EffectRow {
  readonly xid: string;
  readonly branch: number;
  readonly op: string;
  readonly effect: string;
  readonly at: number;
}

/** All effects, in the order in which they happened as far as their times tell. */
export async function readEffects(
  services: Readonly<Record<ServiceName, Service>>,
  provider?: { readonly db: string },
): Promise<readonly EffectRow[]> {
  const found: EffectRow[] = [];
  for (const name of serviceNames)
    found.push(...(await read(services[name].db, 'select xid, branch, op, effect, at from effects order by id')));
  if (provider) found.push(...(await read(provider.db, movements)));
  return found.sort(inTime);
}

/** What the provider did is an effect of the branch that asked for it. */
const movements = `select c.metadata ->> 'xid' as xid, c.metadata ->> 'branch' as branch,
    case m.what when 'charged' then 'action' else 'compensate' end as op,
    case m.what when 'charged' then 'payment.transferred' else 'payment.returned' end as effect, m.at
  from movements m join charges c on c.id = m.charge_id order by m.id`;

async function read(file: string, sql: string): Promise<EffectRow[]> {
  const db = openReadOnly(file);
  try {
    return (await db.raw(sql)) as EffectRow[];
  } finally {
    await db.destroy();
  }
}

const undoes = new Set<string | undefined>(kindNames.map((kind) => opOf(kind, 'rollback')));

/** In one millisecond anything may have been first: what is legal is assumed. */
function inTime(a: EffectRow, b: EffectRow): number {
  if (a.at !== b.at) return a.at - b.at;
  const isUndo = [a, b].map(({ op }) => undoes.has(op));
  if (isUndo[0] !== isUndo[1]) return isUndo[0] ? 1 : -1;
  return isUndo[0] ? b.branch - a.branch : a.branch - b.branch;
}
