/** A request of a coordinator to an instance, as everybody on the way sees it. */
import type { Dispatcher } from 'undici';

export interface Posted {
  readonly path: string;
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
}

export function postedOf({ path, headers, body }: Dispatcher.DispatchOptions): Posted {
  const lines = Array.isArray(headers) ? headers : [];
  const header = (name: string): string | undefined => {
    const at = lines.indexOf(name);
    return at < 0 ? undefined : lines[at + 1];
  };
  return { path: String(path), header, body: Buffer.from(String(body)) };
}

/** Commands whose time is over. */
export function lateIn({ path, header, body }: Posted, now: number): readonly string[] {
  if (path !== '/_batch') return now >= Number(header('concordat-expires')) ? [path] : [];
  const { commands } = JSON.parse(body.toString()) as { commands: { path: string; headers: Record<string, string> }[] };
  return commands.flatMap((each) => (now >= Number(each.headers['concordat-expires']) ? [each.path] : []));
}
