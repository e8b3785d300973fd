/** First rows as text: `tea=100,cup=5`. Throws, naming the setting, what was expected and what came. */
export function readSeed(setting: string, text: string): ReadonlyMap<string, number> {
  const seed = new Map<string, number>();
  for (const part of text.split(',').filter(Boolean)) {
    const [, name = '', count = ''] = /^([^=]{1,200})=(\d{1,12})$/.exec(part.trim()) ?? [];
    if (!name) throw new Error(`${setting}: expected name=number, separated by commas; got ${part}`);
    seed.set(name, Number(count));
  }
  return seed;
}
