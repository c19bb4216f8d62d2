import { z } from 'zod';

/** When a campaign ends before its budget does. */
export const stoppingSchema = z.strictObject({
  plateauRounds: z
    .number()
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('Stop after this many rounds without a better value.'),
  plateau: z
    .strictObject({
      rounds: z
        .number()
        .int()
        .min(0)
        .max(100)
        .default(1)
        .describe('Rounds without a better value before the model is asked.'),
      confidence: z
        .number()
        .min(0.5)
        .max(0.999)
        .default(0.95)
        .describe('How sure the model has to be that nothing better is left.'),
      margin: z
        .number()
        .min(0)
        .default(0)
        .describe("By how much better it would have to be, in the objective's unit."),
    })
    .optional()
    .describe(
      'Stop when there was no better value for some rounds, and the model is confident that no molecule left beats the best by more than the margin.',
    ),
  gain: z
    .strictObject({
      worthPerUnit: z
        .number()
        .positive()
        .describe(
          "What an improvement of the best value by one of the objective's units is worth, in money.",
        ),
      costPerMeasurement: z
        .number()
        .min(0)
        .default(0)
        .describe('What one measurement costs, beside the price of the molecule (constraints.cost).'),
    })
    .optional()
    .describe('Stop when the expected improvement by the next batch is worth less than the batch costs.'),
});
export type Stopping = z.infer<typeof stoppingSchema>;

/** Why a campaign ended. `plateau`: nothing better came, or is left; `gain-below-cost`: what is left is not worth its price. */
export type StopReason = 'budget' | 'target' | 'plateau' | 'gain-below-cost' | 'pool-exhausted' | 'stopped';

/** A reason to end, and the numbers behind it in plain words: completes 'finished: …'. */
export interface Stop {
  readonly reason: StopReason;
  readonly why: string;
}

/** What the round's model expects of the molecules left, in the objective's unit. */
export interface Prospects {
  /** Best measured value, which they are held against. */
  readonly best: number;
  readonly margin: number;
  /** Molecules left, the batch among them, and the most probable of them that were drawn jointly. */
  readonly left: number;
  readonly drawn: number;
  /** Probability, 0 to 1, that the true value of any of them is better than the best by more than the margin. */
  readonly chance: number;
  /** Expected improvement of the best by the batch as a whole. */
  readonly batchGain: number;
  readonly batchSize: number;
  /** Price of the molecules of the batch, where they have one. */
  readonly batchPrice?: number;
}
