/** What `npm run bench:recovery` replays: where the molecules come from, what changes in the middle, and what is counted. */
import type { CampaignConfig } from '../../../../src/contracts';

export interface RecoveryScenario {
  readonly name: string;
  readonly title: string;
  /** Of scripts/peers/acquisition/scenarios.ts. */
  readonly dataSet: string;
  /** So many of its molecules, drawn by chance; absent: all. */
  readonly molecules?: number;
  readonly direction: CampaignConfig['objective']['direction'];
  readonly goal: 'best' | 'learn';
  readonly initial: number;
  readonly batch: number;
  readonly rounds: number;
  /** The best so many of what is asked for in the end. */
  readonly top: number;
  /** Molecules that the model is asked about in a round. */
  readonly asked: number;
  /**
   * Molecules are put in order by a descriptor: the campaign screens, and is asked about, the lower part; from a round on it is asked about the
   * upper one. Both take `share` of all molecules, so that they overlap in the middle.
   */
  readonly shift?: { readonly descriptor: string; readonly share: number; readonly from: number };
  /**
   * Every second molecule of a batch is measured by laboratory B. From a round on its values are off by so many standard deviations of all values.
   */
  readonly offset?: { readonly by: number; readonly from: number };
}

/** Noise of a measurement, as a part of the standard deviation of all values. */
export const ASSAY_NOISE = 0.2;
export const LABORATORIES = ['A', 'B'] as const;

const shifted = (
  dataSet: string,
  title: string,
  descriptor: string,
  more: Pick<RecoveryScenario, 'direction' | 'goal' | 'initial' | 'batch' | 'top' | 'asked' | 'molecules'>,
): RecoveryScenario => ({
  ...{ name: `${dataSet}-${descriptor}`, title, dataSet, rounds: 7, ...more },
  shift: { descriptor, share: 0.6, from: 3 },
});

const LIPOPHILICITY = {
  molecules: 1200,
  direction: 'maximize',
  initial: 96,
  batch: 48,
  top: 50,
  asked: 200,
} as const;
const ESOL = { direction: 'maximize', initial: 64, batch: 24, top: 25, asked: 100 } as const;

const offset = (
  dataSet: string,
  title: string,
  by: number,
  sizes: Pick<RecoveryScenario, 'direction' | 'initial' | 'batch' | 'top' | 'asked' | 'molecules'>,
): RecoveryScenario => ({
  ...{
    name: `${dataSet}-laboratory`,
    title,
    dataSet,
    goal: 'learn',
    rounds: 6,
    ...sizes,
  },
  offset: { by, from: 3 },
});

export const RECOVERY_SCENARIOS: readonly RecoveryScenario[] = [
  shifted('esol', 'ESOL, heavier molecules', 'NumHeavyAtoms', { ...ESOL, goal: 'learn' }),
  shifted('lipophilicity', 'Lipophilicity, heavier molecules', 'NumHeavyAtoms', {
    ...LIPOPHILICITY,
    goal: 'learn',
  }),
  shifted('lipophilicity', 'Lipophilicity, flatter to more saturated molecules', 'FractionCSP3', {
    ...LIPOPHILICITY,
    goal: 'best',
  }),
  shifted('enamine', 'Docking, heavier molecules', 'NumHeavyAtoms', {
    ...{ molecules: 2000, direction: 'minimize', goal: 'best', initial: 96, batch: 48, top: 100, asked: 200 },
  }),
  offset('esol', 'ESOL, a laboratory is off', 0.9, { ...ESOL, batch: 48 }),
  offset('lipophilicity', 'Lipophilicity, a laboratory is off', 1.5, { ...LIPOPHILICITY }),
];

/** The same campaign with nothing that changes. */
export const quiet = ({ shift, offset: off, ...scenario }: RecoveryScenario): RecoveryScenario => ({
  ...scenario,
  name: `${scenario.name}-quiet`,
  ...(shift && { shift: { ...shift, from: Infinity } }),
  ...(off && { offset: { ...off, from: Infinity } }),
});
