/** Options as a program without types may give them. */

/** The options, when all of them are known: a typo must not pass for a default. Throws TypeError; `where` is for messages. */
export function onlyKnown<Options extends object>(options: Options, known: readonly string[], where: string): Options {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${where}: expected options as an object, of ${known.join(', ')}; got ${shown(options)}`);
  const stray = Object.keys(options).find((key) => !known.includes(key));
  if (stray === undefined) return options;
  throw new TypeError(`${where}: expected no options but ${known.join(', ')}, got ${JSON.stringify(stray)}`);
}

/** A value for a message: short, and never an error of its own. */
export const shown = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : typeof value === 'function' ? 'a function' : String(value);
