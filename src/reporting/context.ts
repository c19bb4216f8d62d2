import type { CampaignConfig, CampaignRecord, DriftRecord, PerformanceReport, Pick } from '../contracts';
import type { Dossier, LoadedCut, LoadedRound } from './dossier';
import { unitSuffix } from './describe';
import { number, shortHash } from './format';
import { markup, type Html } from './html';
import type { PickOutcome } from './outcomes';
import type { Sources } from './sources';
import type { TopMolecules } from './top-molecules';

/** What every section of the page is made from. */
export interface ReportContext {
  readonly dossier: Dossier;
  readonly record: CampaignRecord;
  readonly objective: CampaignConfig['objective'];
  readonly outcomes: ReadonlyMap<LoadedRound, readonly PickOutcome[]>;
  readonly top: TopMolecules | null;
  readonly sources: Sources;
  /** Data URIs by SMILES. */
  readonly drawings: ReadonlyMap<string, string>;
  readonly drawingsABatch: number;
  readonly performance?: PerformanceReport;
  readonly drift?: DriftRecord;
}

/** +1 where more is better, -1 where less is. */
export const signOf = (objective: CampaignConfig['objective']): 1 | -1 =>
  objective.direction === 'maximize' ? 1 : -1;

/** A measured value with up to five significant digits and its unit. */
export const withUnit = (value: number | null, objective: CampaignConfig['objective']): string =>
  value === null ? '–' : `${number(value, 5)}${unitSuffix(objective.unit)}`;

/** Which cut a row of numbers belongs to. */
export const cutName = (dossier: Dossier, cut: LoadedCut): string => {
  const at = dossier.cuts.indexOf(cut);
  const round = dossier.rounds[at];
  return round ? `before round ${round.round}` : 'at the end';
};

/** A molecule's name: the lab's own where it has one. Isolated, because it may be written in any direction. */
export function moleculeName({ compoundId, moleculeId }: { compoundId?: string; moleculeId: string }): Html {
  return compoundId ? markup`<bdi>${compoundId}</bdi>` : markup`<code>${moleculeId.slice(0, 12)}</code>`;
}

/** The same as plain text, for what cannot hold elements. */
export const plainName = ({ compoundId, moleculeId }: Partial<Pick> & { moleculeId: string }): string =>
  compoundId ?? moleculeId.slice(0, 12);

/** Compound ids by molecule, from every sheet. */
export function compoundIds(dossier: Dossier): Map<string, string> {
  const ids = new Map<string, string>();
  for (const { sheet } of dossier.rounds) {
    for (const pick of sheet?.picks ?? [])
      if (pick.compoundId !== undefined) ids.set(pick.moleculeId, pick.compoundId);
  }
  return ids;
}

/** Ids may be hashes or words: hashes are cut short. */
export const shortId = (id: string): string => (/^[0-9a-f]{32,}$/.test(id) ? shortHash(id) : id);

export function drawing(context: ReportContext, smiles: string, alt: string): Html {
  const uri = context.drawings.get(smiles);
  return uri
    ? markup`<img class="molecule" src="${uri}" alt="${alt}" width="250" height="200" decoding="async" />`
    : markup`<div class="molecule none">no drawing</div>`;
}
