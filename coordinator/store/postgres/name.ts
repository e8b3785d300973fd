/** Where a store is, without the password: for messages and logs. */
export function nameOf(url: string): string {
  const [, user = '', host = '', path = ''] =
    /^[a-z]+:\/\/(?:([^:@/?]*)(?::[^/?]*)?@)?([^/?]*)(\/[^?]*)?/.exec(url) ?? [];
  return `postgres://${user && `${user}@`}${host}${path}`;
}
