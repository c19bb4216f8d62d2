import { chooseBatch, decide, type DecisionRequest } from '../../src/acquisition';
import { idOf, randomPool, requestOf, acquisitionOf } from './support/requests';

const heldOut = { rmse: 0.7, spread: 1, spearman: 0.6, coverage90: 0.9 };
const request = (overrides: Partial<DecisionRequest> = {}): DecisionRequest => ({
  acquisition: acquisitionOf({ strategy: 'auto', batching: 'auto' }),
  goal: { kind: 'best' },
  ...{ batchSize: 32, pending: 0, modelled: true, comparable: true },
  evidence: { labels: 200, round: 3, heldOut },
  ...overrides,
});
const parts = (overrides?: Partial<DecisionRequest>) =>
  decide(request(overrides)).parts.map(({ strategy, batching, share }) => `${strategy} ${batching} ${share}`);

describe('the policy', () => {
  it('goes by the goal', () => {
    expect(parts()).toEqual(['log-ei top 1']);
    expect(parts({ goal: { kind: 'learn' } })).toEqual(['nipv joint 0.75', 'core-set joint 0.25']);
    // A graph does not tell how alike molecules are.
    expect(parts({ goal: { kind: 'learn' }, comparable: false })).toEqual(['nipv joint 1']);
    expect(parts({ goal: { kind: 'actives', threshold: 6 } })).toEqual([expect.stringMatching(/ top 1$/)]);
    const screen = { labels: 200, round: 3, heldOut, found: { hits: 2, binary: true } };
    expect(parts({ goal: { kind: 'actives', threshold: 0.5 }, evidence: screen })).toEqual(['greedy top 1']);
    expect(parts({ goal: { kind: 'range', from: 1, to: 2 } })).toEqual(['log-ei top 1']);
  });

  it('learns by the model as far as the model explains what it has not seen', () => {
    const learnt = (rmse?: number) =>
      parts({
        goal: { kind: 'learn' },
        evidence: { labels: 200, round: 3, ...(rmse !== undefined && { heldOut: { ...heldOut, rmse } }) },
      });
    expect(learnt(0)).toEqual(['nipv joint 1']);
    expect(learnt(0.6)).toEqual(['nipv joint 0.8', 'core-set joint 0.2']);
    expect(learnt(1.3)).toEqual(['nipv joint 0.5', 'core-set joint 0.5']);
    expect(learnt()).toEqual(['nipv joint 0.5', 'core-set joint 0.5']);
  });

  it('looks further by expected improvement, and less far where the model explains most of what it has not seen', () => {
    const found = (rmse: number) =>
      parts({ evidence: { labels: 200, round: 3, heldOut: { ...heldOut, rmse } } });
    expect(found(0.6)).toEqual(['log-ei top 1']);
    expect(found(0.5)).toEqual(['ucb top 1']);
  });

  it('gives a share to learning while the model cannot rank', () => {
    const evidence = { labels: 200, round: 3, heldOut: { ...heldOut, spearman: 0.05 } };
    expect(parts({ evidence })).toEqual(['log-ei top 0.7', 'nipv joint 0.3']);
    expect(decide(request({ evidence })).why).toContain('rank correlation 0.05');
  });

  it('accounts for the batch where it is larger than what is known, and for what is at the lab', () => {
    expect(parts({ evidence: { labels: 20, round: 2 } })).toEqual(['log-ei joint 1']);
    expect(parts({ pending: 3 })).toEqual(['log-ei joint 1']);
    expect(decide(request({ pending: 3 })).why).toContain('3 molecules are at the lab');
  });

  it('leaves alone what the campaign says, and reads one from before batching was a choice as ranked once', () => {
    const acquisition = {
      ...acquisitionOf({ strategy: 'ei', kappa: 2, randomShare: 0.1 }),
      batching: undefined,
    };
    expect(decide(request({ acquisition, pending: 3 }))).toEqual({
      parts: [{ strategy: 'ei', batching: 'top', share: 1 }],
      ...{ kappa: 2, randomShare: 0.1 },
      why: 'The campaign chooses by ei. A batch ranks the candidates once, as the campaign says.',
    });
  });

  it('draws by chance without a model', () => {
    expect(parts({ modelled: false })).toEqual(['random top 1']);
    expect(decide(request({ modelled: false })).why).toContain('no model yet');
  });

  it('shares a batch out among strategies', async () => {
    const pool = randomPool(30, 6);
    const batch = await chooseBatch(
      requestOf(pool, {
        acquisition: { strategy: 'auto', batching: 'auto' },
        batchSize: 10,
        measured: [idOf('measured')],
        evidence: { labels: 40, round: 2, heldOut: { ...heldOut, spearman: -0.2 } },
      }),
    );
    expect(batch.picks.map(({ strategy }) => strategy)).toEqual([
      ...Array(7).fill('log-ei'),
      ...Array(3).fill('nipv'),
    ]);
    expect(batch.decision.parts).toHaveLength(2);
  });
});
