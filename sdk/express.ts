/** For services that answer with express (nothing of it is loaded), or with whatever has the shape of its middleware. */
export { type JoinOptions, joinTransaction } from './client/incoming.js';
