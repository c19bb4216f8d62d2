import { SETTING_VARIABLES, type Settings } from '../settings';

/** The TITRATE_* variables that make a child process load exactly these settings. */
export function settingsEnvironment(settings: Settings): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [variable, keys] of Object.entries(SETTING_VARIABLES)) {
    const value = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], settings);
    if (value !== undefined) variables[variable] = String(value);
  }
  return variables;
}
