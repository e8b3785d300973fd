import type { Clock } from '../../clock.js';

export interface Probed {
  readonly status: number;
  readonly body: unknown;
  /** How far its clock is ahead of this one's, in ms; null where it does not say. Whole seconds are all that HTTP tells. */
  readonly aheadMs: number | null;
}

export interface ProbeOptions {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const withinMs = 5000;
const bytesMax = 1024 * 1024;

/** One request that follows no redirect. Rejects when no answer came. */
export async function probe(
  url: string,
  clock: Clock,
  { method = 'GET', headers = {}, body }: ProbeOptions = {},
): Promise<Probed> {
  const late = new AbortController();
  const cancel = clock.after(withinMs, () => late.abort(new Error(`no answer within ${withinMs} ms`)));
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal: late.signal,
      ...(body !== undefined && { body }),
    });
    const said = Date.parse(response.headers.get('date') ?? '');
    // Cut to whole seconds, it is half a second behind on average.
    const aheadMs = Number.isNaN(said) ? null : said + 500 - clock.now();
    return { status: response.status, body: await bodyOf(response), aheadMs };
  } finally {
    cancel();
  }
}

/** JSON of a bearable size, else nothing. */
async function bodyOf(response: Response): Promise<unknown> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > bytesMax) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const codeOf = ({ body }: Probed): unknown => (body as { readonly code?: unknown } | null | undefined)?.code;
