declare const settles: unique symbol;

/** Tells what a commit or rollback op is given from what a forward op is given. For the compiler only. */
export interface Settling {
  readonly [settles]: true;
}
