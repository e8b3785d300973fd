/** What matters of a `content-type`. */
export interface MediaType {
  /** Type and subtype in lower case. */
  readonly essence: string;
  readonly isJson: boolean;
  /** JSON is UTF-8; a charset that says so, or none, is fine. */
  readonly isUtf8: boolean;
}

/** Nearly every answer has this one. */
const json: MediaType = { essence: 'application/json', isJson: true, isUtf8: true };

/** Reads a `content-type`; undefined when it is none. */
export function mediaTypeOf(value: string): MediaType | undefined {
  if (value === 'application/json' || value === 'application/json; charset=utf-8') return json;
  const [essence = '', ...parameters] = value
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (!/^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(essence)) return undefined;
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  return {
    essence,
    isJson: essence === 'application/json' || essence.endsWith('+json'),
    isUtf8: charset === undefined || /^"?utf-?8"?$/.test(charset),
  };
}
