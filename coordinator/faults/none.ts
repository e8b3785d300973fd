import type { Faults } from './faults.js';

const none: Faults = {
  reach: () => undefined,
  planted: () => false,
};

export const { reach, planted } = none;
