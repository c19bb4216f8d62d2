import { z } from 'zod';

/** `auto` chooses among the others by itself, from evidence within the campaign: docs/acquisition.md. */
export const strategySchema = z.enum([
  'auto', 'random', 'greedy', 'ucb', 'ei', 'log-ei', 'pi', 'thompson', 'uncertainty', 'bald', 'nipv', 'max-determinant', 'core-set', 'maxmin', 'ehvi',
]); // prettier-ignore
export type Strategy = z.infer<typeof strategySchema>;

export const goalSchema = z
  .enum(['best', 'actives', 'learn', 'range', 'pareto'])
  .describe(
    'best: the best values. actives: as many as can be found at or beyond the threshold. learn: a model that predicts the pool well. range: values between from and to. pareto: the best trade-offs of several properties.',
  );
export type Goal = z.infer<typeof goalSchema>;

/** What goal `pareto` can be chosen by: each accounts for several properties, or for none. */
export const PARETO_STRATEGIES = [
  'auto',
  'random',
  'ehvi',
  'thompson',
  'core-set',
  'maxmin',
] as const satisfies readonly Strategy[];

const propertyName = z.string().min(1).max(100);
const directionSchema = z.enum(['maximize', 'minimize']);
const reference = z
  .number()
  .optional()
  .describe(
    "Of goal 'pareto': the worst value of this property that is still of interest. Left out, the worst on the front less a tenth of the front's range.",
  );

/** A further property that goal `pareto` trades off against the first one. */
export const furtherPropertySchema = z.strictObject({
  property: propertyName,
  direction: directionSchema,
  unit: z.string().max(50).optional(),
  reference,
});
export type FurtherProperty = z.infer<typeof furtherPropertySchema>;

/** A property as a campaign measures it, whether it is the first one or not. */
export type MeasuredProperty = FurtherProperty;

const repeated = (names: readonly string[]) => names.find((name, i) => names.indexOf(name) !== i);

export const objectiveSchema = z
  .strictObject({
    property: propertyName,
    direction: directionSchema,
    unit: z.string().max(50).optional(),
    target: z
      .number()
      .optional()
      .describe('Stop when a measured value is at least (maximize) or at most (minimize) this.'),
    goal: goalSchema.default('best'),
    threshold: z
      .number()
      .optional()
      .describe("Of goal 'actives': at least (maximize) or at most (minimize) this is one."),
    range: z
      .strictObject({ from: z.number(), to: z.number() })
      .refine(({ from, to }) => from < to, { message: 'expected from below to' })
      .optional()
      .describe("Of goal 'range': the values looked for."),
    reference,
    others: z
      .array(furtherPropertySchema)
      .min(1)
      .max(3)
      .optional()
      .describe("Of goal 'pareto': the properties that are measured beside the first one."),
  })
  .refine(({ goal, threshold }) => goal !== 'actives' || threshold !== undefined, {
    message: "goal 'actives' needs a threshold",
    path: ['threshold'],
  })
  .refine(({ goal, range }) => goal !== 'range' || range !== undefined, {
    message: "goal 'range' needs a range",
    path: ['range'],
  })
  .refine(({ goal, others }) => goal !== 'pareto' || others !== undefined, {
    message: "goal 'pareto' needs others: the properties that are traded off against the first one",
    path: ['others'],
  })
  .refine(({ goal, others }) => goal === 'pareto' || others === undefined, {
    message: "several properties need goal 'pareto'; leave others out to look for one",
    path: ['others'],
  })
  .refine((objective) => objective.goal === 'pareto' || objective.reference === undefined, {
    message: "a reference is where the trade-offs of goal 'pareto' begin; the other goals have none",
    path: ['reference'],
  })
  .refine(({ goal, target }) => goal !== 'pareto' || target === undefined, {
    message: "a target ends a campaign at one value: goal 'pareto' has none",
    path: ['target'],
  })
  .superRefine(({ property, others }, context) => {
    const twice = repeated([property, ...(others ?? []).map((other) => other.property)]);
    if (twice === undefined) return;
    context.addIssue({
      code: 'custom',
      message: `'${twice}' stands there twice; name each property once`,
      path: ['others'],
    });
  });
export type Objective = z.infer<typeof objectiveSchema>;

/** The properties of an objective, the first one first. */
export function propertiesOf(objective: Objective): readonly MeasuredProperty[] {
  const { property, direction, unit, reference: worst, others = [] } = objective;
  const first = {
    ...{ property, direction },
    ...(unit !== undefined && { unit }),
    ...(worst !== undefined && { reference: worst }),
  };
  return [first, ...others];
}
