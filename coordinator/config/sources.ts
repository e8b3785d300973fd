/** Where settings come from, each as text with its place. */
import { z } from 'zod';
import { type Setting, type SettingName, settingNames, settings } from './settings.js';
import { ConfigError, readOptional } from './values.js';

/** A setting's value with the place it came from, for messages. */
export interface Given {
  readonly text: string;
  readonly from: string;
}
export type AllGiven = ReadonlyMap<SettingName, Given>;

export const entry = (name: SettingName, text: string | undefined, from: string): [SettingName, Given][] =>
  text === undefined ? [] : [[name, { text, from }]];

/** The flag without its argument. */
export const flagName = (name: SettingName): string => (settings[name] as Setting).flag?.split(' ')[0] ?? name;

/** An empty variable counts as none, as shells and compose files make them. */
export const fromEnv = (env: Readonly<Record<string, string | undefined>>, where: string): [SettingName, Given][] =>
  settingNames.flatMap((name) => {
    const { env: variable } = settings[name];
    return entry(name, env[variable] || undefined, variable + where);
  });

const fileShape = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]));

export function fromFile(path: string): [SettingName, Given][] {
  const text = readOptional(path);
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${path}: expected JSON, got text that is not (${(error as Error).message})`);
  }
  const shape = fileShape.safeParse(value);
  if (!shape.success)
    throw new ConfigError(
      `${path}: expected an object of settings, got something else:\n${z.prettifyError(shape.error)}`,
    );
  return Object.entries(shape.data).map(([name, given]) => {
    const known = settingNames.find((candidate) => candidate === name);
    if (!known)
      throw new ConfigError(`${path}: expected one of ${settingNames.join(', ')}, got ${JSON.stringify(name)}`);
    const setting: Setting = settings[known];
    if (setting.secret)
      throw new ConfigError(`${path}: ${name} is a secret: expected it in ${setting.env} or in a file of its own`);
    return [known, { text: Array.isArray(given) ? given.join(',') : String(given), from: `${name} in ${path}` }];
  });
}
