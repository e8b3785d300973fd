import type { AllowList } from './allow.js';

/** Where a step's URL leads: an origin to connect to and the path that ops are appended to. */
export type Address = { readonly origin: string; readonly path: string } | { readonly refusal: string };

/** URLs are few and come again with every command; a flood of different ones must not fill the memory. */
const rememberedMax = 10_000;

/** Reads and checks URLs, each once: the list and the URL never change. */
export function addressBook(allow: AllowList): (url: string) => Address {
  const remembered = new Map<string, Address>();
  return (url) => {
    const known = remembered.get(url);
    if (known) return known;
    if (remembered.size >= rememberedMax) remembered.clear();
    const address = addressOf(url, allow);
    remembered.set(url, address);
    return address;
  };
}

function addressOf(text: string, allow: AllowList): Address {
  const refusal = allow.check(text);
  if (refusal !== undefined) return { refusal };
  const url = new URL(text);
  return { origin: url.origin, path: url.pathname.replace(/\/$/, '') };
}
