/** Growing arrays of 32-bit numbers: a million transactions as objects would not fit. */
export class Numbers {
  length = 0;
  #items = new Int32Array(1024);

  /** Returns its index. */
  push(item: number): number {
    if (this.length === this.#items.length) {
      const wider = new Int32Array(2 * this.length);
      wider.set(this.#items);
      this.#items = wider;
    }
    this.#items[this.length] = item;
    return this.length++;
  }

  at(index: number): number {
    return this.#items[index] ?? 0;
  }

  set(index: number, item: number): void {
    this.#items[index] = item;
  }

  /** Sets bits of an item. */
  add(index: number, bits: number): void {
    this.#items[index] = (this.#items[index] ?? 0) | bits;
  }

  /** The filled part, not copied. */
  view(): Int32Array {
    return this.#items.subarray(0, this.length);
  }
}

/** The indexes of some items by the group that each is in: those of group g from `starts[g]` to `starts[g + 1]`, in order. */
export interface Groups {
  readonly starts: Int32Array;
  readonly indexes: Int32Array;
}

/** Sorts by counting. */
export function groupBy(groupOf: Int32Array, count: number): Groups {
  const starts = new Int32Array(count + 1);
  for (const group of groupOf) starts[group + 1] = (starts[group + 1] ?? 0) + 1;
  for (let group = 0; group < count; group++) starts[group + 1] = (starts[group + 1] ?? 0) + (starts[group] ?? 0);
  const next = starts.slice(0, count);
  const indexes = new Int32Array(groupOf.length);
  for (let index = 0; index < groupOf.length; index++) {
    const group = groupOf[index] ?? 0;
    const place = next[group] ?? 0;
    indexes[place] = index;
    next[group] = place + 1;
  }
  return { starts, indexes };
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}
