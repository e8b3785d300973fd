/** The command lines of the programs among the tests. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** What somebody typed is wrong; the message says what was expected, and how it is used. */
export class FlagError extends Error {}

/** Throws {@link FlagError} for a flag that there is not. */
export function flagsOf<Config extends ParseArgsConfig>(
  config: Config,
  usage: string,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new FlagError(`${(error as Error).message}\n${usage}`);
  }
}

/** A whole number from `least` to `most`. Throws {@link FlagError} for anything else. */
export function wholeNumber(flag: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw new FlagError(`${flag}: expected a whole number ${range}, got '${text}'`);
}

/** Runs a program; its status is what it resolves with, and 2 where it was asked for in a way that it does not know. */
export async function program(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}
