declare const brand: unique symbol;
type Brand<Name extends string> = string & { readonly [brand]: Name };

/** A transaction's id: the idempotency key of the whole. */
export type Xid = Brand<'Xid'>;
/** Random id made with the store; tells two installations' work apart. */
export type Origin = Brand<'Origin'>;
/** Random id of one row of a log; what the next row must have seen. */
export type AppendId = Brand<'AppendId'>;
/** One coordinator process; a new one at each start. */
export type CoordinatorId = Brand<'CoordinatorId'>;

export const xidPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** Participants, handlers and step ids. A leading `_` is reserved for the coordinator. */
export const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
/** Ids of instances: what hosts and container names are made of. */
export const instanceIdPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** Narrows a text to an xid; undefined when it is not one. */
export const toXid = (text: string): Xid | undefined => (xidPattern.test(text) ? (text as Xid) : undefined);
