import type { ScreenSpec } from '../../chemistry';
import { needsScreening, type Constraints, type PropertyName } from '../../contracts';
import { ALERTS } from './alerts';

/** What was found of one molecule of the pool, as it is stored (NDJSON); the fields follow the ScreenSpec. */
export interface ScreenedMolecule {
  readonly moleculeId: string;
  readonly properties?: readonly (number | null)[];
  readonly matches?: readonly number[];
  readonly scaffold?: string | null;
  /** Packed bits in base64. */
  readonly fingerprint?: string;
  /** It could not be looked at. */
  readonly failed?: string;
}

/** A SMARTS with the rule that it is part of. */
export interface NamedPattern {
  readonly name: string;
  readonly smarts: string;
  /** Where it stands in the configuration. */
  readonly where: string;
}

const PATH = 'acquisition.constraints.substructures';

/** Patterns by what they do. A molecule keeps the rules with one of `any`, every one of `all` and none of `exclude`. */
export function patternsOf({ substructures }: Constraints) {
  const given = (key: 'any' | 'all' | 'exclude'): NamedPattern[] =>
    Object.entries(substructures?.[key] ?? {}).map(([name, smarts]) => ({
      name,
      smarts,
      where: `${PATH}.${key}.${name}`,
    }));
  const sets = [...new Set(substructures?.alerts ?? [])];
  const alerts = sets.flatMap((set) =>
    ALERTS[set].alerts.map(({ name, smarts }) => ({
      name: `${set}: ${name}`,
      smarts,
      where: `${PATH}.alerts`,
    })),
  );
  return { any: given('any'), all: given('all'), exclude: given('exclude'), alerts };
}

/**
 * What has to be found out of each molecule; null where nothing has. Bounds of windows and limits take no part: a campaign that
 * differs in those alone finds what this one found.
 */
export function screenOf(constraints: Constraints): ScreenSpec | null {
  if (!needsScreening(constraints)) return null;
  const { any, all, exclude, alerts } = patternsOf(constraints);
  const windows = constraints.properties ?? {};
  const properties = (Object.keys(windows) as PropertyName[]).filter((name) => windows[name]).sort();
  const patterns = [...new Set([...any, ...all, ...exclude, ...alerts].map(({ smarts }) => smarts))].sort();
  return {
    properties,
    patterns,
    scaffold: constraints.perScaffold !== undefined,
    fingerprint: constraints.perCluster !== undefined,
  };
}
