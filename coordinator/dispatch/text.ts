/** At most so many characters of foreign text, on one line, without what a terminal or a page could trip over. */
export function cleanText(text: string, charactersMax: number): string {
  // Cut first, so that a huge text costs no more than a small one; whitespace that collapses may shorten it further.
  const line = text
    .slice(0, charactersMax * 4)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  const cut = line.length > charactersMax ? `${line.slice(0, charactersMax - 1)}…` : line;
  // The cut may have split a pair: UTF-8 has no half of one.
  return Buffer.from(cut, 'utf8').toString('utf8');
}

/** {@link cleanText} of bytes that claim to be text. */
export const cleanExcerpt = (bytes: Uint8Array, charactersMax: number): string =>
  cleanText(Buffer.from(bytes.subarray(0, charactersMax * 4)).toString('utf8'), charactersMax);
