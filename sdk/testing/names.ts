import type { NameOf } from './story.js';

/** What branches are called in stories. */
export class BranchNames {
  readonly #names = new Map<string, string>();

  /** A branch has a number and an id in its transaction. */
  add(xid: string, branch: number, id: string, name: string): void {
    this.#names.set(`${xid} ${branch}`, name);
    this.#names.set(`${xid} ${id}`, name);
  }

  of(xid: string): NameOf {
    return (branch) =>
      this.#names.get(`${xid} ${branch}`) ?? (typeof branch === 'number' ? `branch ${branch}` : `'${branch}'`);
  }
}
