/** `concordat/knex`: the fence for code that takes its commands in a way of its own. Loads neither knex nor a driver. */
export { type FenceCommand, type FenceWork, fence, fenced, prepareFence } from './participant/fence-alone.js';
