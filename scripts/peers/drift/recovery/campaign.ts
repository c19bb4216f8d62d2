/**
 * A campaign replayed on a library whose values are known, by the product's own code: `chooseBatch` picks, `look` watches what the model is asked
 * about and what comes back, `respond` says what is done about it and `judgeEffect` whether it helped. Without the response all else is the same, from
 * the same first molecules with the same seeds.
 */
import { chooseBatch, Found, type FitSurrogate } from '../../../../src/acquisition';
import {
  campaignConfigSchema,
  type DriftActionRecord,
  type DriftVerdict,
  type PlannedAction,
} from '../../../../src/contracts';
import { applyOffset, controlRows, CONTROLS, estimateOffset, figuresOf } from '../../../../src/drift';
import { deriveSeed, selectFeatureRows } from '../../../../src/foundation';
import { Answers, type Stream } from './answers';
import { Desk, type Measured } from './desk';
import type { Library } from './library';
import { askedSample, explore, predictRows, trainOn, type CampaignModel } from './models';
import type { RecoveryScenario } from './scenarios';
import { drawn, lookAtAsked, lookAtReturned, partsOf, returnedSample, type Returned } from './setting';

export type Arm = 'without' | 'with';

export interface CampaignRun {
  readonly seed: number;
  readonly arm: Arm;
  /** By round, from the first model on: on held-out molecules of what is asked for in the end. */
  readonly rmse: readonly number[];
  /** Share of its best that were measured. */
  readonly recall: readonly number[];
  readonly measured: readonly number[];
  /** Of the looks: the first round in which one says to act; null when none does. */
  readonly detected: number | null;
  readonly causes: readonly string[];
  readonly looks: readonly { readonly stream: Stream; readonly verdict: DriftVerdict }[];
  readonly actions: readonly Pick<
    DriftActionRecord,
    'action' | 'cause' | 'subject' | 'rung' | 'effect' | 'effectSentence' | 'sentence'
  >[];
}

/** Held out of what is asked for in the end. */
const HELD_OUT = 0.2;
const REFERENCE_ROWS = 1000;

export async function runCampaign(
  library: Library,
  scenario: RecoveryScenario,
  fit: FitSurrogate,
  { seed, arm }: { readonly seed: number; readonly arm: Arm },
): Promise<CampaignRun> {
  const campaign = new Campaign(library, scenario, fit, seed, arm);
  try {
    return await campaign.run();
  } finally {
    campaign.dispose();
  }
}

class Campaign {
  private readonly desk: Desk;
  private readonly heldOut: readonly number[];
  private readonly parts: ReturnType<typeof partsOf>;
  /** What may be measured of what is asked for in the end. */
  private readonly open: readonly number[];
  private readonly found: Found;
  private readonly place: ReadonlyMap<string, number>;
  private pool: Set<number>;
  /** What looks at the stream are held against. */
  private screened: readonly number[];
  private measured: Measured[] = [];
  private orders = 0;
  /** Orders that controls have taken from batches to come. */
  private owed = 0;
  private batches: Returned[] = [];
  private featurizer = 0;
  private model: CampaignModel | null = null;
  private replaced: CampaignModel | null = null;
  /** What a laboratory's values are known to be off by. */
  private readonly known = new Map<string, number>();
  private readonly answers = new Answers();

  constructor(
    private readonly library: Library,
    private readonly scenario: RecoveryScenario,
    private readonly fit: FitSurrogate,
    private readonly seed: number,
    private readonly arm: Arm,
  ) {
    this.desk = new Desk(library, scenario, seed);
    this.parts = partsOf(library, scenario);
    const { first, last } = this.parts;
    this.heldOut = this.drawn(last, Math.round(HELD_OUT * last.length), 'held-out');
    const hidden = new Set(this.heldOut);
    this.pool = new Set(first.filter((row) => !hidden.has(row)));
    this.screened = this.drawn([...this.pool], REFERENCE_ROWS, 'reference');
    this.open = last.filter((row) => !hidden.has(row));
    this.found = new Found(
      this.open.map((row) => library.values[row]!),
      scenario.top,
      scenario.direction,
    );
    this.place = new Map(library.moleculeIds.map((id, row) => [id, row]));
  }

  dispose(): void {
    for (const model of new Set([this.model, this.replaced])) model?.surrogate.model.dispose();
    this.model = this.replaced = null;
  }

  async run(): Promise<CampaignRun> {
    const { rounds, initial } = this.scenario;
    const rmse: number[] = [];
    const recall: number[] = [];
    const measured: number[] = [];
    this.take(this.desk.batch(this.drawn([...this.pool], initial, 'initial'), 0));
    for (let round = 1; round <= rounds + 1; round++) {
      await this.train(round);
      if (this.arm === 'with' && round <= rounds) {
        if (round > 1) await this.answerReturned(round);
        await this.answerAsked(round);
      }
      rmse.push(await this.errorNow());
      recall.push(this.recallNow());
      measured.push(this.orders);
      if (round > rounds) break;
      await this.screen(round);
    }
    return {
      ...{ seed: this.seed, arm: this.arm, rmse, recall, measured },
      ...{ detected: this.answers.detected, causes: [...this.answers.causes] },
      looks: this.answers.looks,
      actions: this.answers.records.map(
        ({ action, cause, subject, rung, effect, effectSentence, sentence }) => ({
          ...{ action, cause, subject, rung, effect, effectSentence, sentence },
        }),
      ),
    };
  }

  private drawn(rows: readonly number[], count: number, what: string): number[] {
    return drawn(rows, count, this.seed, what);
  }

  private take(measured: readonly Measured[]): void {
    this.measured.push(...measured);
    this.orders += measured.length;
  }

  private async train(round: number): Promise<void> {
    const before = this.model;
    this.model = await trainOn(
      ...([this.library, this.measured, this.featurizer, this.fit, deriveSeed(this.seed, round)] as const),
    );
    if (before !== this.replaced) before?.surrogate.model.dispose();
  }

  /** What was asked of the model since the last batch. */
  private async answerAsked(round: number): Promise<void> {
    const { shift, asked } = this.scenario;
    const { first, last } = this.parts;
    const rows = this.drawn(shift && round >= shift.from ? last : first, asked, `asked ${round}`);
    const window = await askedSample(this.library, this.model!, rows);
    const screened = await askedSample(this.library, this.model!, this.screened);
    const figures = figuresOf(window);
    this.answers.judge('asked', figures);
    await this.carryOut(this.answers.plan('asked', round, lookAtAsked(screened, window), figures), round);
  }

  /** The batch that came back; the model that was replaced is asked about it, too. */
  private async answerReturned(round: number): Promise<void> {
    const earlier = this.batches
      .slice(0, -1)
      .map((each) => ({ sample: returnedSample(this.library, each), look: each.look! }));
    const window = returnedSample(this.library, this.batches.at(-1)!);
    if (this.replaced) {
      const rows = this.batches.at(-1)!.measured.map(({ row }) => row);
      const { mean } = await predictRows(this.library, this.replaced, rows);
      this.answers.judge('returned', figuresOf(window, mean));
    }
    const seen = lookAtReturned(this.model!, earlier, window);
    this.batches = [...this.batches.slice(0, -1), { ...this.batches.at(-1)!, look: seen }];
    await this.carryOut(this.answers.plan('returned', round, seen, figuresOf(window)), round);
  }

  private async carryOut(planned: readonly PlannedAction[], round: number): Promise<void> {
    for (const { action, subject } of planned) {
      // A replay has no person to be told, and none to go on after a pause.
      if (action === 'tell' || action === 'pause' || action === 'roll-back') continue;
      this.replaced ??= this.model;
      if (action === 'widen-pool') {
        this.pool = new Set([...this.pool, ...this.open]);
        // What is asked for is what is screened from now on: that is what later looks are held against.
        this.screened = this.drawn(this.open, REFERENCE_ROWS, 'reference');
      }
      if (action === 'control-plate') this.control(subject, round);
      if (action === 're-explore') {
        const found = await explore(
          ...([this.library, this.measured, this.fit, deriveSeed(this.seed, round)] as const),
        );
        if (this.model !== this.replaced) this.model!.surrogate.model.dispose();
        this.model = found;
        this.featurizer = found.featurizer;
      } else await this.train(round);
    }
  }

  /** Measures some of a laboratory's last molecules again elsewhere, and puts its values right by what they say. */
  private control(lab: string | null, round: number): void {
    const doubted = this.batches.at(-1)!.measured.filter((each) => lab === null || each.lab === lab);
    const chosen = controlRows(doubted, CONTROLS, deriveSeed(this.seed, round));
    this.orders += chosen.length;
    this.owed += chosen.length;
    const controls = chosen.map(({ row }) => this.desk.control(row, round));
    const { noise } = this.desk;
    const found = estimateOffset(
      chosen.map(({ value }) => value),
      controls,
      { spread: this.model!.surrogate.heldOut!.rmse, noise },
    );
    const applied = applyOffset(
      found,
      doubted.map(({ value }) => value),
    );
    const right = new Map(doubted.map((each, i) => [each, applied.values[i]!]));
    chosen.forEach((each, i) => right.set(each, controls[i]!));
    const corrected = (each: Measured) => (right.has(each) ? { ...each, value: right.get(each)! } : each);
    this.measured = this.measured.map(corrected);
    const last = this.batches.at(-1)!;
    this.batches = [...this.batches.slice(0, -1), { ...last, measured: last.measured.map(corrected) }];
    if (found.decision === 'correct' && lab !== null)
      this.known.set(lab, (this.known.get(lab) ?? 0) + found.shrunk);
  }

  private async screen(round: number): Promise<void> {
    const { scenario, library, model } = this;
    const size = Math.max(1, scenario.batch - this.owed);
    this.owed -= scenario.batch - size;
    const features = library.features[model!.featurizer]!;
    const known = new Set(this.measured.map(({ row }) => row));
    const idsOf = (rows: Iterable<number>) => Array.from(rows, (row) => library.moleculeIds[row]!);
    const values = this.measured.map(({ value }) => value).filter(Number.isFinite);
    const best = scenario.direction === 'maximize' ? Math.max(...values) : Math.min(...values);
    const { heldOut } = model!.surrogate;
    const { picks } = await chooseBatch({
      moleculeIds: idsOf([...this.pool].filter((row) => !known.has(row))),
      surrogate: model!.surrogate,
      features: () => [features],
      featuresOf: (ids) =>
        selectFeatureRows(
          features,
          ids.map((id) => this.place.get(id)!),
        ),
      ...{ direction: scenario.direction, goal: { kind: scenario.goal }, batchSize: size },
      acquisition: campaignConfigSchema.shape.acquisition.parse({}),
      ...{ incumbent: best, measured: idsOf(known), seed: deriveSeed(this.seed, round) },
      evidence: {
        ...{ labels: values.length, round, roundsLeft: scenario.rounds - round },
        ...(heldOut && { heldOut }),
        found: { best },
      },
    });
    const rows = picks.map(({ moleculeId }) => this.place.get(moleculeId)!);
    const { mean, deviation } = await predictRows(library, model!, rows);
    const measured = this.desk
      .batch(rows, round)
      .map((each) => ({ ...each, value: each.raw - (this.known.get(each.lab) ?? 0) }));
    this.batches.push({ measured, predicted: mean, deviation, look: null });
    this.take(measured);
  }

  private async errorNow(): Promise<number> {
    const { mean } = await predictRows(this.library, this.model!, this.heldOut);
    const squares = this.heldOut.map((row, i) => (mean[i]! - this.library.values[row]!) ** 2);
    return Math.sqrt(squares.reduce((sum, each) => sum + each / squares.length, 0));
  }

  private recallNow(): number {
    const asked = new Set(this.parts.last);
    const rows = this.measured.map(({ row }) => row).filter((row) => asked.has(row));
    return this.found.count(rows.map((row) => this.library.values[row]!)) / this.found.top;
  }
}
