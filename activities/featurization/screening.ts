import {
  patternsOf,
  plateLayout,
  rulesReport,
  screenOf,
  whyNothing,
  type ScreenedMolecule,
} from '../../src/acquisition';
import {
  STEPS,
  TitrateError,
  type ArtifactRef,
  type Constraints,
  type Molecule,
  type RuleInputs,
} from '../../src/contracts';
import { jsonArtifacts } from '../shared/artifacts';
import { withHeartbeat } from '../shared/heartbeat';
import type { FeaturizationPorts } from '../shared/ports';
import { loadRules } from '../shared/rules';

export interface ScreenShardsRequest {
  /** JSON array of the pool's shards, and which of them. */
  readonly shards: ArtifactRef;
  readonly from: number;
  readonly to: number;
  readonly constraints: Constraints;
}

/** What a batch's rules have to know of the pool: found once a shard, whatever the bounds and limits are. */
export function createScreening(ports: FeaturizationPorts) {
  const { objects, steps, chemistry } = ports;
  const artifacts = jsonArtifacts(objects);

  /** Refuses what is wrong in itself, before anything is read. @throws config-invalid for what is no SMARTS, and for plates without room */
  async function checkConstraints({ constraints }: { constraints: Constraints }): Promise<void> {
    if (constraints.plates) plateLayout(constraints.plates);
    const patterns = Object.values(patternsOf(constraints)).flat();
    const problems = await chemistry.patternProblems(patterns.map(({ smarts }) => smarts));
    const wrong = patterns.flatMap(({ where, smarts }, i) =>
      problems[i] ? [`${where}: '${smarts}' is no SMARTS: ${problems[i]}`] : [],
    );
    if (wrong.length) {
      throw new TitrateError('config-invalid', {
        what: wrong.join('. '),
        remedy: 'Mend the SMARTS; the Daylight theory manual, chapter 4, has their grammar',
      });
    }
  }

  /** Some shards of a pool. @returns a JSON array of artifacts (NDJSON of ScreenedMolecule), one a shard */
  async function screenShards({ shards, from, to, constraints }: ScreenShardsRequest): Promise<ArtifactRef> {
    const spec = screenOf(constraints);
    if (!spec) throw new TitrateError('internal', { what: 'there is nothing to screen for' });
    const runtime = { rdkit: await chemistry.version() };
    return withHeartbeat(async (signal, progress) => {
      const wanted = (await artifacts.getJson<ArtifactRef[]>(shards)).slice(from, to);
      const screened: ArtifactRef[] = [];
      for (const shard of wanted) {
        signal.throwIfAborted();
        const key = { inputs: { shard: shard.sha256 }, parameters: spec, runtime };
        const { value } = await steps.run(STEPS.screenShard, key, async () => {
          const molecules = await artifacts.getRows<Molecule>(shard);
          const outcomes = await chemistry.screen(
            molecules.map(({ smiles }) => smiles),
            spec,
          );
          return artifacts.putRows(
            molecules.map(({ moleculeId }, i): ScreenedMolecule => {
              const outcome = outcomes[i]!;
              if (!outcome.ok) return { moleculeId, failed: outcome.message };
              const { ok: _, ...found } = outcome;
              return { moleculeId, ...found };
            }),
          );
        });
        screened.push(value);
        progress({ screened: screened.length, of: wanted.length });
      }
      return artifacts.putJson(screened);
    });
  }

  /**
   * Holds a whole pool against the rules before the first round.
   * @throws config-invalid for molecules that have to be included and cannot be; batch-infeasible where nothing is left to pick
   */
  async function checkRules(request: {
    constraints: Constraints;
    inputs: RuleInputs;
    pool: ArtifactRef;
  }): Promise<{ words: string }> {
    return withHeartbeat(async () => {
      const { rules, notes } = await loadRules(objects, { ...request, excluded: new Set(), spent: 0 });
      const report = rulesReport(rules, 0, [], notes);
      if (report.admitted === 0) whyNothing(rules, rulesReport(rules, 1, [], notes));
      const { candidates, admitted } = report;
      return { words: `${admitted} of ${candidates} molecules keep the rules of a batch` };
    });
  }

  return { checkConstraints, screenShards, checkRules };
}
