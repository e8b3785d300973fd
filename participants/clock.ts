/** UTC ms of this machine. Only for times that people read, for expiry and for signatures; nothing is ordered by it. */
export type Now = () => number;

export const systemNow: Now = () => Date.now();
