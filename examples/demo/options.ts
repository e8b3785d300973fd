import { parseArgs } from 'node:util';

export interface Options {
  readonly orders: number;
  /** End when all is checked, instead of staying up to be looked at. */
  readonly exit: boolean;
  /** Where the data goes and stays; a directory that goes away with the demo when undefined. */
  readonly data: string | undefined;
  readonly help: boolean;
}

export const help = `Orders tea from three services, kills one of them and the coordinator on the way, and checks the books.

  npm run demo -- [flags]

  --orders N    how many orders to place, 1 to 100000 (60)
  --exit        end when all is checked: status 0 when every invariant holds, else 1
  --data DIR    keep databases and logs in DIR, which must be empty or new
  --help        this text
`;

/** Reads the flags. Throws an error that names the flag, what was expected and what came. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({ args: [...args], options: { orders: text, exit: flag, data: text, help: flag } });
  const { orders: given = '60', exit = false, data, help: wantsHelp = false } = values;
  const orders = /^\d{1,6}$/.test(given) ? Number(given) : 0;
  if (orders < 1 || orders > 100_000)
    throw new Error(`--orders: expected a whole number from 1 to 100000, got ${given}`);
  return { orders, exit, data, help: wantsHelp };
}
