/** `concordat/coordinator`: a coordinator inside an application. */
export type { LogLevel } from './config/values.js';
export { ConfigError } from './config/values.js';
export type { EmbedOptions } from './embed/options.js';
export { type Embedded, embed } from './embed.js';
export type { Log } from './observe/log.js';
export { StoreError, type StoreErrorKind } from './store/store.js';
