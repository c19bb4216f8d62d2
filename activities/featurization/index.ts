import {
  MEDIA_TYPES,
  RULE_SET_VERSION,
  TitrateError,
  explainIssues,
  labResultSchema,
  type ArtifactRef,
  type FeaturisedShard,
  type FeaturizerSpec,
  type LabResult,
  type Molecule,
  type MoleculeCaps,
  type Receipt,
  type RuntimePin,
  type StandardiseRequest,
  type StandardisedSource,
} from '../../src/contracts';
import { encodeFeatureMatrix } from '../../src/chemistry';
import { hashOf } from '../../src/foundation';
import { standardiseSource as processSource } from '../../src/processing';
import type { StepOutcome } from '../../src/objects';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { FeaturizationPorts } from '../shared/ports';
import { STEPS } from '../steps';

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
  /** The campaign's unit: a result in another one is refused. */
  readonly unit?: string;
}
export interface ResolvedRows {
  readonly rows: readonly (LabResult & { readonly molecule?: Molecule })[];
  readonly rejected: readonly { readonly receipt: Receipt; readonly row: unknown }[];
}

export function createFeaturizationActivities(ports: FeaturizationPorts) {
  const { objects, steps, chemistry } = ports;
  const artifacts = jsonArtifacts(objects);

  async function describeChemistry(): Promise<Pick<RuntimePin, 'rdkit' | 'ruleSet'>> {
    return { rdkit: await chemistry.version(), ruleSet: RULE_SET_VERSION };
  }

  async function standardiseSource(request: StandardiseRequest): Promise<StepOutcome<StandardisedSource>> {
    const { landed, caps } = request;
    const { source, raw } = landed;
    const key = {
      inputs: { raw: raw.sha256 },
      // The uri is where the bytes were, not what they are; only its ending matters when no format is given.
      parameters: {
        ...source,
        uri: source.format ? '' : source.uri.split('.').slice(1).join('.').toLowerCase(),
        caps,
      },
      runtime: { rdkit: await chemistry.version(), ruleSet: RULE_SET_VERSION },
    };
    const outcome = await withHeartbeat((signal, progress) =>
      steps.run(STEPS.standardiseSource, key, async () => {
        const result = await processSource({
          raw: await objects.openRead(raw),
          sourceSha256: raw.sha256,
          source,
          caps,
          chemistry,
          onProgress: (rows: number) => progress({ source: source.uri, rows }),
          signal,
        });
        return {
          rows: await objects.put(result.rows, MEDIA_TYPES.ndjson),
          quarantine: await objects.put(result.quarantine, MEDIA_TYPES.ndjson),
          accepted: result.accepted,
          quarantined: result.quarantined,
          examples: result.examples,
        };
      }),
    );
    return { ...outcome, value: { source, raw, ...outcome.value } };
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
    const key = { inputs: { shard: shard.sha256 }, parameters: featurizer, runtime: { rdkit } };
    return withHeartbeat(() =>
      steps.run(STEPS.featuriseShard, key, async () => {
        const molecules = await artifacts.getRows<Molecule>(shard);
        const matrix = await chemistry.featurise(molecules, featurizer);
        const features = await objects.put(encodeFeatureMatrix(matrix), MEDIA_TYPES.features);
        return { shard, featurizer, features, rows: matrix.rows };
      }),
    );
  }

  async function assembleFeatures(input: {
    featurizer: FeaturizerSpec;
    shards: readonly FeaturisedShard[];
  }): Promise<FeatureSet> {
    const digest = hashOf(input.shards.map((shard) => shard.features.sha256));
    return { featurizer: input.featurizer, shards: await artifacts.putJson(input.shards), digest };
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
    const valid: (LabResult & { molecule?: Molecule })[] = [];
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
      if (!parsed.success) refuse(row, index, explainIssues(labResultSchema, parsed.error).join('; '));
      else if (parsed.data.unit && request.unit && parsed.data.unit !== request.unit) {
        refuse(
          row,
          index,
          `unit '${parsed.data.unit}' is not the campaign's unit '${request.unit}'; convert the value and post it again`,
        );
      } else valid.push(parsed.data);
    });
    const bySmiles = valid.filter((row) => row.smiles !== undefined);
    const outcomes = await withHeartbeat(() =>
      chemistry.standardise(
        bySmiles.map((row) => ({ notation: 'smiles', text: row.smiles! })),
        request.caps,
      ),
    );
    const molecules = new Map(bySmiles.map((row, i) => [row, outcomes[i]!]));
    const rows: (LabResult & { molecule?: Molecule })[] = [];
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
    joinShards,
    resolveResults,
  };
}

export type FeaturizationActivities = ReturnType<typeof createFeaturizationActivities>;
