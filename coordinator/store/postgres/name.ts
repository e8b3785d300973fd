/** Where a store is, without the password: for messages and logs. */
export function nameOf(url: string): string {
  // A password may have a slash that nobody encoded: all up to the last @ is left out.
  const [, user = '', host = '', path = ''] =
    /^[a-z]+:\/\/(?:([^:@/?#]*)(?::[^?#]*)?@)?([^/?#]*)(\/[^?#]*)?/.exec(url) ?? [];
  return `postgres://${user && `${user}@`}${host}${path}`;
}
