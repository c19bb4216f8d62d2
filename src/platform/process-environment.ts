import { SETTING_VARIABLES, type Settings } from './settings';

/** A setting, by its path, and its value; left out where there is none. */
export type SettingValue = readonly [path: readonly string[], value: string | undefined];

/** The variables by which another process opens this installation's object store and logs as it does, and what more it is given. */
export function processEnvironment(
  { google, objects, logLevel }: Settings,
  more: readonly SettingValue[],
): Record<string, string> {
  const values: readonly SettingValue[] = [
    [['google', 'project'], google.project],
    [['objects', 'store'], objects.store],
    [['objects', 'bucket'], objects.bucket],
    [['objects', 'prefix'], objects.prefix],
    [['objects', 'endpoint'], objects.endpoint],
    ...more,
    [['logLevel'], logLevel],
  ];
  return Object.fromEntries(values.flatMap(([path, value]) => (value ? [[variableOf(path), value]] : [])));
}

const variableOf = (path: readonly string[]): string =>
  Object.keys(SETTING_VARIABLES).find((name) => SETTING_VARIABLES[name]!.join() === path.join())!;
