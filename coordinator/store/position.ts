/** A place in the order in which rows came into the log. */
export interface Position {
  /** From 1; 0 is before the first. */
  readonly place: number;
  /** The beginning of that row's append id: where a purge or a repair moved rows, another row has the place. */
  readonly mark: string;
}

export const toPosition = (place: number, append: string): string => `${place}-${append.slice(0, 8)}`;

/** Undefined for a text that {@link toPosition} did not write. */
export function fromPosition(text: string): Position | undefined {
  const [, place, mark = ''] = /^(0|[1-9]\d{0,14})-([\w-]{0,8})$/.exec(text) ?? [];
  return place === undefined ? undefined : { place: Number(place), mark };
}
