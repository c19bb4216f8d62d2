import { ApplicationFailure } from '@temporalio/workflow';
import {
  constraintLists,
  needsScreening,
  shownUri,
  type ArtifactRef,
  type CampaignConfig,
  type ConstraintList,
  type ResolvedList,
  type RuleInputs,
} from '../src/contracts';
import { featurizers, warehouse } from './activities';
import { mapLimited } from './support';

type Lists = Omit<RuleInputs, 'screening'>;

/** Shards that one activity screens: some 30,000 molecules, each shard kept by itself. */
const SHARDS_AT_A_TIME = 64;
const GROUPS_AT_ONCE = 8;

/**
 * What can be wrong with a campaign's constraints before its pool is read; the lists that they name.
 * @throws ApplicationFailure config-invalid, source-missing, column-missing and the like: the campaign cannot begin
 */
export async function checkConstraints(config: CampaignConfig): Promise<Lists | null> {
  const { constraints } = config.acquisition;
  if (!constraints) return null;
  await featurizers.checkConstraints({ constraints });
  return readLists(config);
}

/** Holds the pool against the rules before the first round: a campaign that could never pick anything ends at once. */
export async function checkRules(config: CampaignConfig, lists: Lists, pool: ArtifactRef): Promise<string> {
  const constraints = config.acquisition.constraints!;
  const inputs = { ...lists, screening: await screen(config, pool) };
  return (await featurizers.checkRules({ constraints, inputs, pool })).words;
}

/** What the rules of a round's batch are made from: lists as they stand now, and the pool as it was screened before. */
export async function ruleInputs(config: CampaignConfig, pool: ArtifactRef): Promise<RuleInputs | null> {
  if (!config.acquisition.constraints) return null;
  return { ...(await readLists(config)), screening: await screen(config, pool) };
}

async function readLists({ acquisition, pool }: CampaignConfig): Promise<Lists> {
  const lists = constraintLists(acquisition.constraints!, pool.sources);
  if (typeof lists === 'string') throw ApplicationFailure.nonRetryable(lists, 'config-invalid');
  const resolved = await mapLimited(lists, 4, (list) => resolve(list, pool));
  const of = (role: ConstraintList['role']): { [K in typeof role]?: ResolvedList[] } => {
    const found = resolved.filter((_, i) => lists[i]!.role === role);
    return found.length ? { [role]: found } : {};
  };
  return { ...of('costs'), ...of('amounts'), ...of('include'), ...of('exclude') };
}

async function resolve(
  { where, from, strict }: ConstraintList,
  { caps, standardisation }: CampaignConfig['pool'],
): Promise<ResolvedList> {
  const source =
    'source' in from
      ? {
          landed: await warehouse.landSource.executeWithOptions(
            { summary: `land ${shownUri(from.source.uri)}` },
            [from.source],
          ),
        }
      : from;
  return featurizers.resolveList.executeWithOptions({ summary: `read ${where}` }, [
    { from: source, where, strict, caps, standardisation },
  ]);
}

async function screen({ acquisition }: CampaignConfig, pool: ArtifactRef): Promise<ArtifactRef[] | null> {
  const constraints = acquisition.constraints!;
  if (!needsScreening(constraints)) return null;
  const { shards, count } = await featurizers.joinShards({ shards: pool, extra: [] });
  const starts = Array.from({ length: Math.ceil(count / SHARDS_AT_A_TIME) }, (_, i) => i * SHARDS_AT_A_TIME);
  return mapLimited(starts, GROUPS_AT_ONCE, (from) =>
    featurizers.screenShards.executeWithOptions({ summary: `screen, from shard ${from + 1} of ${count}` }, [
      { shards, from, to: from + SHARDS_AT_A_TIME, constraints },
    ]),
  );
}
