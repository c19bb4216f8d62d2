import { z } from 'zod';
import type { DriftActionRecord, DriftLookRecord, DriftPolicy, PlannedAction } from './drift-response';
import { driftActionSchema } from './drift-response';

/** What a watch is started for: its schedule, a batch that came back, or a person. */
export const DRIFT_OCCASIONS = ['schedule', 'batch', 'asked'] as const;
export type DriftOccasion = (typeof DRIFT_OCCASIONS)[number];

/** Input of the workflow `driftWatch`. */
export interface DriftWatchInput {
  readonly campaignId: string;
  readonly occasion: DriftOccasion;
  /** Round whose batch has just come back; earlier ones are looked at anyway. */
  readonly round?: number;
}

/** What a watch found, and what it asked the campaign to do. */
export interface DriftWatchOutput {
  readonly looks: readonly Pick<DriftLookRecord, 'id' | 'stream'>[];
  /** Ids of actions. */
  readonly asked: readonly string[];
  /** Why nothing was looked at; null when it was. */
  readonly nothing: string | null;
}

/** Where the window of a look lies in the serving log: it ends after `records` records of the segment that ended at `to`. */
export interface ServedPlace {
  readonly to: string;
  readonly name: string;
  readonly records: number;
}

/** A look with what the next one has to know. */
export interface KeptLook {
  readonly record: DriftLookRecord;
  readonly occasion: DriftOccasion;
  /** Version that answered, or that the batch was picked by; null for a batch of none. */
  readonly model: string | null;
  /** Round of the batch, or where the window ends in the serving log. */
  readonly place: { readonly round: number } | ServedPlace;
  /** The window's rows: JSON of a sample. */
  readonly sample: { readonly sha256: string };
  /** What was planned on it: written with the look, so that no crash parts them. */
  readonly planned: readonly PlannedAction[];
}

/** A molecule that is to be measured again beside what is in doubt. */
export interface ControlMolecule {
  readonly moleculeId: string;
  readonly smiles: string;
  readonly compoundId?: string;
  /** What was measured, in the unit of the property. */
  readonly value: number;
  readonly plate?: string;
  readonly lab?: string;
  /** Results that it comes from: others are of later measurements. */
  readonly resultIds: readonly string[];
}

/** Controls that a campaign asks its laboratory for, with the batch that is out and the next one. */
export interface ControlRequest {
  readonly action: string;
  readonly why: string;
  readonly molecules: readonly ControlMolecule[];
  /** Last round whose batch carries them. */
  readonly until: number;
}

/** What repeated measurements say of the values in doubt. */
export interface ControlsFound {
  readonly controls: number;
  readonly decision: 'keep' | 'correct' | 'exclude' | 'more-controls';
  readonly offset: number;
  readonly standardError: number | null;
  readonly sentence: string;
}

/** An action with what became of it. */
export interface KeptAction {
  readonly record: DriftActionRecord;
  /** What was done, or why it was not, in words. */
  readonly note: string;
  /** Whether it may be carried out: nobody has to approve it, or somebody did. */
  readonly approved: boolean;
  readonly decided: { readonly by: string; readonly reason: string } | null;
  /** Version that came of it, and the one that it takes the place of. */
  readonly model: string | null;
  readonly replaced: string | null;
  readonly controls: readonly ControlMolecule[];
  readonly found: ControlsFound | null;
  /** Looks that its effect has been judged by. */
  readonly judgedBy: readonly string[];
}

/** Everything on record of a campaign's drift. */
export interface DriftRecord {
  readonly looks: readonly KeptLook[];
  readonly actions: readonly KeptAction[];
}

/** Signal `respondToDrift`: what the campaign is to do at its next safe point. An id that it knows already is passed over. */
export const driftOrderSchema = z.strictObject({
  id: z.string().min(1).max(300),
  action: driftActionSchema,
  subject: z.string().nullable(),
  sentence: z.string().max(4000),
});
export type DriftOrder = z.infer<typeof driftOrderSchema>;
export const respondToDriftSchema = z.strictObject({ actions: z.array(driftOrderSchema).max(100) });
export type RespondToDrift = z.infer<typeof respondToDriftSchema>;

/** Update `decideDrift`: a person's word on an action that waits for it. */
export const decideDriftSchema = z.strictObject({
  id: z.string().min(1).max(300).describe('Id of the action, as `titrate drift status` shows it.'),
  decision: z.enum(['approve', 'dismiss']),
  by: z.string().min(1).max(200).describe('Who decides.'),
  reason: z.string().max(2000).default('').describe('Why: kept with the action.'),
});
export type DecideDrift = z.infer<typeof decideDriftSchema>;
export type DecideDriftInput = z.input<typeof decideDriftSchema>;

/** A campaign that began before drift was watched has no policy. */
export const watchesDrift = ({ drift }: { readonly drift?: DriftPolicy }): boolean => drift?.enabled ?? false;
