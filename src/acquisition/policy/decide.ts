import type { ChooseRequest, GoalSpec } from '../acquisition';
import type { Decision, DecisionPart } from './decision';
import type { Evidence } from './evidence';

export interface DecisionRequest {
  readonly acquisition: ChooseRequest['acquisition'];
  readonly goal: GoalSpec;
  readonly batchSize: number;
  /** Molecules at the lab. */
  readonly pending: number;
  /** Whether there is a model to go by. */
  readonly modelled: boolean;
  /** Whether the features tell how alike molecules are, as fingerprints and counts do. */
  readonly comparable: boolean;
  /** Of several properties the one whose model ranks worst; the held-out evidence is of it. */
  readonly weakest?: string;
  readonly evidence: Evidence;
}

type Strategy = DecisionPart['strategy'];
type Mix = { readonly parts: readonly (readonly [Strategy, number])[]; readonly why: string };

/** Rank correlation on held-out molecules below which a model's ranking is little better than chance. */
const LEAST_SKILL = 0.1;
/**
 * Share of the variance of held-out values that a model explains from which optimism pays more than improvement: where the best is within
 * reach of what the model knows, a bound near the mean finds more of the good ones; below, expected improvement looks further.
 */
const SKILLED = 2 / 3;
/** Of the variance that the model does not explain, the share that goes to covering the pool in a batch that is to learn. */
const COVERING = 0.5;
/** Shares are whole multiples of this. */
const SHARE_STEP = 0.05;
/** What a batch gives to learning while the model cannot rank. */
const LEARNING_SHARE = 0.3;

/**
 * Decides how a batch is chosen: as the campaign says, or under `auto` from the goal and from what the campaign knows of itself. The same
 * evidence decides the same. Why each rule stands: docs/acquisition.md.
 */
export function decide(request: DecisionRequest): Decision {
  const { acquisition, modelled } = request;
  const { strategy, kappa, randomShare } = acquisition;
  const mix: Mix =
    strategy === 'auto'
      ? automatic(request)
      : { parts: [[strategy, 1]], why: `The campaign chooses by ${strategy}.` };
  if (!modelled) {
    const why = strategy === 'random' ? mix.why : 'There is no model yet: all molecules are drawn by chance.';
    return { parts: [{ strategy: 'random', batching: 'top', share: 1 }], kappa, randomShare, why };
  }
  const { batching, why } = batchingOf(request);
  const parts = mix.parts.map(([name, share]): DecisionPart => {
    return { strategy: name, batching: JOINTLY.has(name) ? batching : (BATCHING[name] ?? 'top'), share };
  });
  const told = parts.some((part) => JOINTLY.has(part.strategy)) ? ` ${why}` : '';
  return { parts, kappa, randomShare, why: `${mix.why}${told}` };
}

/** Strategies whose score falls where less is left to know; the others are the same either way, or take the batch into account anyway. */
const JOINTLY: ReadonlySet<Strategy> = new Set(['ucb', 'ei', 'log-ei', 'pi', 'uncertainty', 'bald']);
const BATCHING: Partial<Record<Strategy, 'joint'>> = {
  ...{
    ehvi: 'joint',
    thompson: 'joint',
    nipv: 'joint',
    'max-determinant': 'joint',
    'core-set': 'joint',
    maxmin: 'joint',
  },
};

function batchingOf({ acquisition, pending, batchSize, evidence }: DecisionRequest): {
  batching: 'top' | 'joint';
  why: string;
} {
  const { strategy, batching = 'top' } = acquisition;
  if (batching !== 'auto') {
    const how = batching === 'top' ? 'ranks the candidates once' : 'accounts for what it already holds';
    return { batching, why: `A batch ${how}, as the campaign says.` };
  }
  if (strategy === 'uncertainty' || strategy === 'bald')
    return {
      batching: 'joint',
      why: 'The most uncertain candidates are much alike: picks account for one another.',
    };
  if (pending > 0)
    return {
      batching: 'joint',
      why: `${pending} molecules are at the lab: what they will tell is taken into account.`,
    };
  if (batchSize > evidence.labels)
    return {
      batching: 'joint',
      why: `The batch of ${batchSize} is larger than the ${evidence.labels} labels there are: picks account for one another.`,
    };
  return {
    batching: 'top',
    why: 'Candidates are ranked once: within a batch of this size that has cost nothing.',
  };
}

function automatic({ goal, evidence, comparable, weakest }: DecisionRequest): Mix {
  const { heldOut, found } = evidence;
  switch (goal.kind) {
    case 'learn':
      if (!comparable) {
        return {
          parts: [['nipv', 1]],
          why: 'The goal is a model of the whole pool: picks take away most of what is not known of it.',
        };
      }
      return learning(heldOut);
    case 'actives':
      // Of 0 and 1 the mean is the probability; the mass beyond a line between them grows with sigma, where nothing is known.
      if (found?.binary) {
        return {
          parts: [['greedy', 1]],
          why: 'The values are 0 or 1, so a prediction is the probability of an active: picks are the most probable ones.',
        };
      }
      return {
        parts: [['pi', 1]],
        why: `The goal is values beyond ${goal.threshold}: picks are those most probably beyond it${found?.hits === 0 ? '; none has been found yet' : ''}.`,
      };
    case 'range':
      return {
        parts: [['log-ei', 1]],
        why: found?.hits
          ? `The goal is values between ${goal.from} and ${goal.to}: picks are those most probably there.`
          : `Nothing between ${goal.from} and ${goal.to} has been found yet: picks are expected to come nearer to it.`,
      };
    case 'pareto':
      if (heldOut && heldOut.spearman < LEAST_SKILL) {
        return {
          parts: [
            ['ehvi', 1 - LEARNING_SHARE],
            ['nipv', LEARNING_SHARE],
          ],
          why: `The model of ${weakest} hardly ranks molecules it has not seen (rank correlation ${heldOut.spearman.toFixed(2)}): ${100 * LEARNING_SHARE} % of the picks are there to make it better, the others are expected to add most to the hypervolume.`,
        };
      }
      return {
        parts: [['ehvi', 1]],
        why: 'Picks are expected to add most to the hypervolume, given one another.',
      };
    case 'best':
      if (heldOut && heldOut.spearman < LEAST_SKILL) {
        return {
          parts: [
            ['log-ei', 1 - LEARNING_SHARE],
            ['nipv', LEARNING_SHARE],
          ],
          why: `The model hardly ranks molecules it has not seen (rank correlation ${heldOut.spearman.toFixed(2)}): ${100 * LEARNING_SHARE} % of the picks are there to make it better, the others by expected improvement.`,
        };
      }
      if (heldOut && explainedBy(heldOut) >= SKILLED) {
        return {
          parts: [['ucb', 1]],
          why: `The model explains ${percent(explainedBy(heldOut))} of the variance of molecules it has not seen: picks are those that could be the best within what it does not know.`,
        };
      }
      return {
        parts: [['log-ei', 1]],
        why: heldOut
          ? `The model ranks molecules it has not seen (rank correlation ${heldOut.spearman.toFixed(2)}): picks are by expected improvement on the best value.`
          : 'Picks are by expected improvement on the best value.',
      };
  }
}

const percent = (share: number) => `${Math.round(100 * share)} %`;

/** Share of the values' variance, 0 where the model does worse than their mean. */
const explainedBy = ({ rmse, spread }: NonNullable<Evidence['heldOut']>): number =>
  spread > 0 ? Math.max(0, 1 - (rmse / spread) ** 2) : 0;

/**
 * Integrated variance is as good as the model's idea of what it does not know, covering the pool needs no model: so half of what the model
 * does not explain goes to covering.
 */
function learning(heldOut: Evidence['heldOut']): Mix {
  const explained = heldOut ? explainedBy(heldOut) : 0;
  const covering = Math.round((COVERING * (1 - explained)) / SHARE_STEP) * SHARE_STEP;
  const known = heldOut
    ? `the model explains ${percent(explained)} of the variance of molecules it has not seen`
    : 'how much the model explains is not known';
  return {
    parts: [['nipv', 1 - covering], ...(covering > 0 ? ([['core-set', covering]] as const) : [])],
    why: `The goal is a model of the whole pool, and ${known}: ${percent(1 - covering)} of the picks take away most of what it does not know of the pool, ${percent(covering)} stand for what is covered least.`,
  };
}
