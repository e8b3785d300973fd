/** Money is whole cents. An account's opening balance never changes: opening = balance + what was captured from it. */
export const paymentTables = [
  `create table if not exists accounts (
    customer text primary key,
    opening_cents integer not null check (opening_cents >= 0),
    balance_cents integer not null check (balance_cents >= 0),
    closed integer not null check (closed in (0, 1))
  )`,
  `create table if not exists payments (
    id integer primary key autoincrement,
    origin text not null,
    xid text not null,
    branch integer not null,
    customer text not null references accounts (customer),
    order_id integer not null,
    amount_cents integer not null check (amount_cents > 0),
    status text not null check (status in ('captured', 'refunded'))
  )`,
];
