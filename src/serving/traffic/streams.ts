import { asTitrateError, MEDIA_TYPES, TitrateError, type ModelVersion, versionParts } from '../../contracts';
import { decodeNdjson } from '../../foundation';
import type { Access } from '../access';
import { withFirst, type BlockPredictor } from '../batch-stream';
import type { Asking } from '../inference';
import type { MoleculeOutcome } from '../loaded-model';
import type { ServingLogger } from '../logger';
import { PREDICT_BATCH } from './asked';
import type { Outcome, TrafficCounters } from './counters';
import type { Forwarder } from './forward';
import { labelsOf } from './metric-names';
import type { RunningTrial, Trials } from './trials';

export interface StreamPorts {
  readonly counters: TrafficCounters;
  readonly forwarder: Forwarder;
  readonly logger: ServingLogger;
  readonly trials: Pick<Trials, 'running' | 'isTried'> | null;
  readonly rates: Access['rates'];
  /** The versions that answer now, one a campaign. */
  readonly live: () => readonly ModelVersion[];
  /** Predicts in this process. */
  readonly here: BlockPredictor;
}

/** A stream of lines that has begun to be answered, by one version. */
export interface BegunStream {
  readonly versionId: string;
  readonly lines: AsyncGenerator<string>;
}

/**
 * Answers a stream by one version, block by block, and counts what it did. One that fell to a candidate is decided by its first
 * molecules: if the candidate answers them the rest is the candidate's too, if not, all of it is the stable model's. A trial that ends by
 * promotion while a stream goes on costs it nothing: then the same version answers here.
 */
export class RoutedStream implements BlockPredictor {
  /** What becomes of it, as far as is known. */
  outcome: Outcome = 'ok';
  /** From the first molecules to their answer; null before it. */
  firstSeconds: number | null = null;
  private begun = false;
  private readonly stable: ModelVersion;
  private deciding: Promise<readonly MoleculeOutcome[]> | null = null;
  private byCandidate: boolean;

  /**
   * @param version answers unless the trial's does
   * @param trial the candidate that the stream fell to
   */
  constructor(
    private readonly ports: StreamPorts,
    version: ModelVersion,
    private readonly trial: RunningTrial | null,
  ) {
    this.stable = version;
    this.byCandidate = false;
  }

  get versionId(): string {
    return this.byCandidate ? this.trial!.version : this.stable.id;
  }

  /** The stream's answers, and which version makes them: that is known when the first of them is there. */
  async begin(lines: AsyncGenerator<string>): Promise<BegunStream> {
    if (!this.trial) return { versionId: this.versionId, lines };
    const begun = await withFirst(lines);
    // Lines without a molecule were answered first: a candidate that fails later could not be stood in for.
    this.deciding ??= Promise.resolve([]);
    await this.deciding.catch(() => undefined);
    return { versionId: this.versionId, lines: begun };
  }

  async predictInTurn(_version: ModelVersion, smiles: readonly string[], asking: Asking) {
    const isFirst = !this.begun;
    this.begun = true;
    const started = performance.now();
    try {
      const predictions = await this.predict(smiles, asking);
      if (isFirst) this.firstSeconds = (performance.now() - started) / 1000;
      const values = predictions.map((one) => ('error' in one ? null : one.value));
      this.ports.counters.predictedBy(labelsOf(this.versionId), values);
      return { predictions };
    } catch (error) {
      if (!asking.signal.aborted && this.outcome === 'ok')
        this.outcome = asTitrateError(error).status >= 500 ? 'error' : 'refused';
      throw error;
    }
  }

  private async predict(smiles: readonly string[], asking: Asking): Promise<readonly MoleculeOutcome[]> {
    const { trial } = this;
    if (trial && !this.deciding) return (this.deciding = this.decide(trial, smiles, asking));
    await this.deciding;
    return this.byCandidate ? this.goOn(trial!, smiles, asking) : this.askHere(this.stable, smiles, asking);
  }

  private async decide(trial: RunningTrial, smiles: readonly string[], asking: Asking) {
    const { counters, logger } = this.ports;
    const started = performance.now();
    try {
      const predictions = await this.askCandidate(trial, smiles, asking);
      this.byCandidate = true;
      return predictions;
    } catch (error) {
      if (asking.signal.aborted) throw error;
      const labels = labelsOf(trial.version);
      counters.answered(labels, 'error', (performance.now() - started) / 1000, null);
      counters.fellBack(labels);
      logger.warn({ version: trial.version, error: (error as Error).message }, 'candidate did not answer');
      return this.askHere(this.stable, smiles, asking);
    }
  }

  /** A block after the first one, of a stream that is the candidate's. */
  private async goOn(trial: RunningTrial, smiles: readonly string[], asking: Asking) {
    const { trials, live, logger } = this.ports;
    const { campaignId } = versionParts(trial.version);
    let reason = 'its process has ended';
    if (trials?.running(campaignId)?.version === trial.version) {
      try {
        return await this.askCandidate(trial, smiles, asking);
      } catch (error) {
        if (asking.signal.aborted) throw error;
        reason = (error as Error).message;
      }
    }
    const promoted = live().find(({ id }) => id === trial.version);
    if (promoted) return this.askHere(promoted, smiles, asking);
    const failed = trials?.isTried(campaignId, trial.version) ?? false;
    // The end of a trial is no fault of what was tried.
    this.outcome = failed ? 'error' : 'refused';
    if (failed) logger.warn({ version: trial.version, error: reason }, 'candidate did not answer');
    throw new TitrateError('unavailable', {
      what: failed
        ? `${trial.version} is on trial and did not answer (${reason})`
        : `the trial of ${trial.version} has ended`,
      remedy: 'Send the lines that are not answered again',
    });
  }

  private async askHere(version: ModelVersion, smiles: readonly string[], asking: Asking) {
    return (await this.ports.here.predictInTurn(version, smiles, asking)).predictions;
  }

  private async askCandidate(
    trial: RunningTrial,
    smiles: readonly string[],
    { caller, signal }: Asking,
  ): Promise<MoleculeOutcome[]> {
    const { forwarder, rates } = this.ports;
    await rates.moleculesInTurn(caller, smiles.length, signal);
    try {
      const request = {
        ...{ method: 'POST', url: `${PREDICT_BATCH}?model=${encodeURIComponent(trial.version)}` },
        headers: { 'content-type': MEDIA_TYPES.ndjson },
        body: Buffer.from(smiles.map((one) => JSON.stringify(one)).join('\n'), 'utf8'),
      };
      const { status, body } = await forwarder.ask(trial, request, signal);
      if (status !== 200) throw new Error(`it answered ${status}`);
      const lines = decodeNdjson<{ line: number; problem?: { detail?: string } } & MoleculeOutcome>(body);
      const problem = lines.at(-1)?.problem;
      if (problem) throw new Error(problem.detail ?? 'it did not answer all of them');
      if (lines.length !== smiles.length)
        throw new Error(`it answered ${lines.length} molecules of ${smiles.length}`);
      return lines.map(({ line: _line, ...outcome }) => outcome as MoleculeOutcome);
    } catch (error) {
      await rates.giveBack(caller, smiles.length);
      throw error;
    }
  }
}
