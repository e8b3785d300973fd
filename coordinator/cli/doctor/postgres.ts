import type { StoreAddress } from '../../config.js';
import type { StoreFacts } from '../../store/facts.js';
import { storeName } from '../../store/name.js';
import { type Finding, ok, problem, warning } from './finding.js';
import { judged, type StoreLook } from './store.js';

export interface PostgresLook extends Pick<StoreLook, 'clock' | 'isPurged'> {
  readonly address: StoreAddress & { readonly kind: 'postgres' };
}

/** Looks at the database without changing it, and at what of its server decides over whether commits last. */
export async function lookAtPostgres({
  address,
  clock,
  isPurged,
}: PostgresLook): Promise<{ readonly findings: readonly Finding[]; readonly facts: StoreFacts | undefined }> {
  const path = storeName(address);
  const { factsOfDatabase, settingsOfServer } = await import('../../store/postgres/inspect.js');
  try {
    const server = judgedServer(await settingsOfServer(address.url));
    const facts = await factsOfDatabase(address.url);
    const none = warning(
      'store',
      `there is no store in ${path}`,
      'start "concordat serve", which makes it, or name the one you mean with --store',
    );
    return { findings: [...server, ...(facts ? judged({ path, clock, isPurged }, facts) : [none])], facts };
  } catch (error) {
    const mend = 'nothing of it was changed; see that the server runs, and that this user may use the database';
    return { findings: [problem('store', (error as Error).message, mend)], facts: undefined };
  }
}

type Settings = Awaited<ReturnType<typeof import('../../store/postgres/inspect.js')['settingsOfServer']>>;

/** Whether writes reach the disk is the server's; only how long a commit waits can be asked for by who connects. */
function judgedServer(settings: Settings): readonly Finding[] {
  const unsafe = (['fsync', 'full_page_writes'] as const).filter((name) => settings[name] !== 'on');
  const version = `PostgreSQL ${settings.server_version}`;
  if (unsafe.length === 0) return [ok('store', version)];
  return [
    problem(
      'store',
      `${version} runs with ${unsafe.map((name) => `${name}=${settings[name]}`).join(', ')}: what was acknowledged is gone after a power cut`,
      'set it to on in postgresql.conf',
    ),
  ];
}
