import {
  FIRST_STANDARDISATION,
  MEDIA_TYPES,
  STEPS,
  TitrateError,
  explainIssues,
  labResultSchema,
  nearestName,
  ruleSetName,
  type ArtifactRef,
  type FeatureMatrix,
  type FeaturisedShard,
  type FeaturizerSpec,
  type LabelKey,
  type LabResult,
  type MeasuredProperty,
  type Molecule,
  type MoleculeCaps,
  type Receipt,
  type RuntimePin,
  type Standardisation,
  type StandardiseRequest,
  type StandardisedSource,
  type TrainingRow,
} from '../../src/contracts';
import { encodeFeatureMatrix } from '../../src/chemistry';
import { hashOf } from '../../src/foundation';
import { convert } from '../../src/measurements';
import type { StepOutcome } from '../../src/objects';
import type { ResolvedResult } from '../../src/warehouse';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { FeaturizationPorts } from '../shared/ports';
import { createListResolver } from './lists';
import { createScreening } from './screening';

export interface FeaturiseShardRequest {
  /** JSON array of the shards' ArtifactRefs, and which of them. */
  readonly shards: ArtifactRef;
  readonly index: number;
  readonly featurizer: FeaturizerSpec;
}

/** Features of a set of shards under one featurizer: an artifact of `FeaturisedShard[]`, in shard order. */
export interface FeatureSet {
  readonly featurizer: FeaturizerSpec;
  readonly shards: ArtifactRef;
  /** Hash over the hashes of the features, in shard order: what keys are made of, since a uri may not be. */
  readonly digest: string;
}

export interface ResolveResultsRequest {
  /** Rows as posted, or a slice of an NDJSON artifact of them. */
  readonly rows:
    readonly unknown[] | { readonly ref: ArtifactRef; readonly offset: number; readonly limit: number };
  readonly caps: MoleculeCaps;
  readonly standardisation?: Standardisation;
  /** Unit of the first property: a result in another one is converted, or refused where that cannot be. */
  readonly unit?: string;
  /** All that the campaign measures, the first property first, each with its unit. */
  readonly properties?: readonly Pick<MeasuredProperty, 'property' | 'unit'>[];
}
/** A valid result; with its molecule if it came as SMILES, and with its own value and unit if they were converted. */
export type ResolvedRow = LabResult & {
  readonly molecule?: Molecule;
  readonly reported?: ResolvedResult['reported'];
};
export interface ResolvedRows {
  readonly rows: readonly ResolvedRow[];
  readonly rejected: readonly { readonly receipt: Receipt; readonly row: unknown }[];
}

/**
 * The result as the warehouse keeps it, in the unit of its property, or why it cannot be. The first property is not named, so that a
 * result says the same whether it was posted with its name or without.
 */
function understand(
  { property, ...result }: LabResult,
  { unit, properties = [] }: Pick<ResolveResultsRequest, 'unit' | 'properties'>,
): ResolvedRow | string {
  if (property === undefined) return intoUnit(result, unit);
  const at = properties.findIndex((known) => known.property === property);
  if (at === 0) return intoUnit(result, unit);
  if (at > 0) return intoUnit({ ...result, property }, properties[at]!.unit);
  const names = properties.map((known) => known.property);
  const near = nearestName(property, names);
  return `the campaign does not measure '${property}'; ${near ? `did you mean '${near}'? ` : ''}it measures ${names.map((name) => `'${name}'`).join(', ')}`;
}

/** The result in a unit, or why it cannot be converted. */
function intoUnit(result: LabResult, unit: string | undefined): ResolvedRow | string {
  const { value, qualifier } = result;
  if (value === undefined || !result.unit || !unit || result.unit === unit) return result;
  const converted = convert({ value, qualifier }, result.unit, unit);
  if (!converted.ok)
    return `the value in '${result.unit}' cannot be taken into the campaign's unit '${unit}': ${converted.message}`;
  const inUnit = { ...result, value: converted.value, qualifier: converted.qualifier, unit };
  // Two spellings of one unit.
  if (converted.conversion === null) return inUnit;
  return {
    ...inUnit,
    reported: { value, unit: result.unit, conversion: converted.conversion },
  };
}

export function createFeaturizationActivities(ports: FeaturizationPorts) {
  const { objects, steps, chemistry, processor } = ports;
  const artifacts = jsonArtifacts(objects);

  async function describeChemistry(input?: {
    standardisation?: Standardisation;
  }): Promise<Pick<RuntimePin, 'rdkit' | 'ruleSet'>> {
    const ruleSet = ruleSetName(input?.standardisation ?? FIRST_STANDARDISATION);
    return { rdkit: await chemistry.version(), ruleSet };
  }

  async function standardiseSource(request: StandardiseRequest): Promise<StepOutcome<StandardisedSource>> {
    const { source } = request.landed;
    return withHeartbeat((signal, progress) =>
      processor.standardise(request, {
        signal,
        onProgress: (done) => progress({ source: source.uri, ...done }),
      }),
    );
  }

  async function featuriseShard(request: FeaturiseShardRequest): Promise<StepOutcome<FeaturisedShard>> {
    const { featurizer } = request;
    const shard = (await artifacts.getJson<ArtifactRef[]>(request.shards))[request.index];
    if (!shard)
      throw new TitrateError('internal', {
        what: `there is no shard ${request.index}`,
        where: request.shards.uri,
      });
    const rdkit = await chemistry.version();
    return withHeartbeat(() =>
      featurizer.kind === 'bundle'
        ? featuriseParts(shard, featurizer, rdkit)
        : featuriseWith(shard, featurizer, rdkit, async () =>
            chemistry.featurise(await artifacts.getRows<Molecule>(shard), featurizer),
          ),
    );
  }

  function featuriseWith(
    shard: ArtifactRef,
    featurizer: FeaturizerSpec,
    rdkit: string,
    compute: () => Promise<FeatureMatrix>,
  ): Promise<StepOutcome<FeaturisedShard & { features: ArtifactRef }>> {
    const key = { inputs: { shard: shard.sha256 }, parameters: featurizer, runtime: { rdkit } };
    return steps.run(STEPS.featuriseShard, key, async () => {
      const matrix = await compute();
      const features = await objects.put(encodeFeatureMatrix(matrix), MEDIA_TYPES.features);
      return { shard, featurizer, features, rows: matrix.rows };
    });
  }

  /** A bundle is its parts, each found or made under its own key; the first that is missing has all after it made from one parse. */
  async function featuriseParts(
    shard: ArtifactRef,
    bundle: Extract<FeaturizerSpec, { kind: 'bundle' }>,
    rdkit: string,
  ): Promise<StepOutcome<FeaturisedShard>> {
    let made: { readonly from: number; readonly matrices: readonly FeatureMatrix[] } | undefined;
    const make = async (from: number): Promise<readonly FeatureMatrix[]> => {
      const molecules = await artifacts.getRows<Molecule>(shard);
      const parts = bundle.parts.slice(from);
      if (parts.length === 1) return [await chemistry.featurise(molecules, parts[0]!)];
      return (await chemistry.featurise(molecules, { kind: 'bundle', parts })).parts!;
    };
    const outcomes: StepOutcome<FeaturisedShard & { features: ArtifactRef }>[] = [];
    for (const [index, part] of bundle.parts.entries()) {
      outcomes.push(
        await featuriseWith(shard, part, rdkit, async () => {
          made ??= { from: index, matrices: await make(index) };
          return made.matrices[index - made.from]!;
        }),
      );
    }
    return {
      value: {
        shard,
        featurizer: bundle,
        features: outcomes.map(({ value }) => value.features),
        rows: outcomes[0]!.value.rows,
      },
      cached: outcomes.every(({ cached }) => cached),
      seconds: outcomes.reduce((sum, { seconds }) => sum + seconds, 0),
    };
  }

  async function assembleFeatures(input: {
    featurizer: FeaturizerSpec;
    shards: readonly FeaturisedShard[];
  }): Promise<FeatureSet> {
    const digest = hashOf(input.shards.flatMap(({ features }) => features).map(({ sha256 }) => sha256));
    return { featurizer: input.featurizer, shards: await artifacts.putJson(input.shards), digest };
  }

  /** The Bemis-Murcko scaffold of every molecule of a training table: NDJSON of LabelKey. */
  async function scaffoldLabels(input: { training: ArtifactRef }): Promise<StepOutcome<ArtifactRef>> {
    const key = {
      inputs: { training: input.training.sha256 },
      runtime: { rdkit: await chemistry.version() },
    };
    return withHeartbeat(() =>
      steps.run(STEPS.scaffoldLabels, key, async () => {
        const rows = await artifacts.getRows<TrainingRow>(input.training);
        const scaffolds = await chemistry.scaffolds(rows.map(({ smiles }) => smiles));
        return artifacts.putRows(
          rows.map(({ moleculeId }, i): LabelKey => ({ moleculeId, key: scaffolds[i] || null })),
        );
      }),
    );
  }

  /** Lists of shards as one, for a pool and the measured molecules outside it. */
  async function joinShards(input: {
    shards: ArtifactRef;
    extra: readonly ArtifactRef[];
  }): Promise<{ shards: ArtifactRef; count: number }> {
    const pool = await artifacts.getJson<ArtifactRef[]>(input.shards);
    const all = [...pool, ...input.extra];
    return { shards: await artifacts.putJson(all), count: all.length };
  }

  /** Checks posted results row by row and standardises the molecules that came as SMILES. A bad row hurts no other. */
  async function resolveResults(request: ResolveResultsRequest): Promise<ResolvedRows> {
    const { rows: given } = request;
    const posted: readonly unknown[] =
      'ref' in given
        ? (await artifacts.getRows<unknown>(given.ref)).slice(given.offset, given.offset + given.limit)
        : given;
    const valid: ResolvedRow[] = [];
    const rejected: { receipt: Receipt; row: unknown }[] = [];
    const refuse = (row: unknown, index: number, message: string) => {
      const id = (row as { resultId?: unknown } | null)?.resultId;
      rejected.push({
        receipt: { resultId: typeof id === 'string' ? id : `(row ${index})`, status: 'rejected', message },
        row,
      });
    };
    posted.forEach((row, index) => {
      const parsed = labResultSchema.safeParse(row);
      if (!parsed.success) {
        refuse(row, index, explainIssues(labResultSchema, parsed.error).join('; '));
        return;
      }
      const inUnit = understand(parsed.data, request);
      if (typeof inUnit === 'string') refuse(row, index, inUnit);
      else valid.push(inUnit);
    });
    const bySmiles = valid.filter((row) => row.smiles !== undefined);
    const outcomes = await withHeartbeat(() =>
      chemistry.standardise(
        bySmiles.map((row) => ({ notation: 'smiles', text: row.smiles! })),
        request.caps,
        request.standardisation ?? FIRST_STANDARDISATION,
      ),
    );
    const molecules = new Map(bySmiles.map((row, i) => [row, outcomes[i]!]));
    const rows: ResolvedRow[] = [];
    valid.forEach((row, index) => {
      const outcome = molecules.get(row);
      if (!outcome) rows.push(row);
      else if (!outcome.ok) refuse(row, index, `smiles '${row.smiles}': ${outcome.message}`);
      else if (row.moleculeId && row.moleculeId !== outcome.molecule.moleculeId) {
        refuse(
          row,
          index,
          `moleculeId ${row.moleculeId} and smiles '${row.smiles}' name different molecules; mend one of them`,
        );
      } else rows.push({ ...row, molecule: outcome.molecule });
    });
    return { rows, rejected };
  }

  return {
    describeChemistry,
    standardiseSource,
    featuriseShard,
    assembleFeatures,
    scaffoldLabels,
    joinShards,
    resolveResults,
    ...createListResolver(ports),
    ...createScreening(ports),
  };
}

export type FeaturizationActivities = ReturnType<typeof createFeaturizationActivities>;
