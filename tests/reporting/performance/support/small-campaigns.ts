import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { createDeployActivities } from '../../../../activities/deploy';
import { createFeaturizationActivities } from '../../../../activities/featurization';
import { createGpuActivities } from '../../../../activities/gpu';
import { createWarehouseActivities } from '../../../../activities/warehouse';
import type { CampaignConfigInput, CurrentBatch, TaskQueue } from '../../../../src/contracts';
import { sha256 } from '../../../../src/foundation';
import { openPorts, type Ports } from '../../../../src/platform/composition';
import { openEvidence } from '../../../../src/platform/evidence';
import { reportPerformance } from '../../../../src/platform/performance';
import { homePaths, loadSettings } from '../../../../src/platform/settings';
import { writePool } from '../../../chaos/chaos';
import { eventually } from '../../../support/eventually';
import { startServer, workflowOptions } from '../../../support/temporal';

const PATIENCE = { seconds: 120, every: 50 };

/** An installation in one process: a real server, real activities, a worker a queue; that of `gpu` is started for each campaign anew. */
export class SmallInstallation {
  private constructor(
    readonly directory: string,
    readonly config: CampaignConfigInput,
    readonly env: TestWorkflowEnvironment,
    readonly ports: Ports,
    private readonly workers: { worker: Worker; done: Promise<void> }[],
  ) {}

  static async open(molecules: number): Promise<SmallInstallation> {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-performance-'));
    mkdirSync(directory, { recursive: true });
    const config = writePool(directory, molecules);
    const settings = loadSettings(
      { home: path.join(directory, 'home'), workingDirectory: directory, logLevel: 'error' },
      {},
    );
    const env = await startServer();
    const ports = openPorts(settings);
    const installation = new SmallInstallation(directory, config, env, ports, []);
    const chemistry = ports.chemistry();
    const { reports } = homePaths(settings);
    await installation.start('orchestration', workflowOptions());
    await installation.start('warehouse', {
      activities: createWarehouseActivities({
        ...ports,
        landing: ports.landing(),
        warehouse: await ports.warehouse(),
        workingDirectory: directory,
      }),
    });
    await installation.start('featurization', {
      activities: createFeaturizationActivities({ ...ports, chemistry, processor: ports.processor() }),
    });
    await installation.start('deploy', {
      activities: createDeployActivities({
        ...ports,
        ...{ chemistry, learning: ports.learning(), modelUpload: null, signer: null, reports },
        evidence: openEvidence(settings, {}),
        performance: (campaignId) => reportPerformance(ports, campaignId),
      }),
    });
    return installation;
  }

  private async start(taskQueue: TaskQueue, options: object): Promise<Worker> {
    const { nativeConnection: connection, namespace } = this.env;
    const worker = await Worker.create({ connection, namespace, taskQueue, ...options });
    this.workers.push({ worker, done: worker.run() });
    return worker;
  }

  /**
   * Plays a campaign to its end.
   * @param options.slots of the worker of the queue gpu.
   * @param options.labMilliseconds that the lab takes for a batch, however many molecules it has.
   */
  async play(
    campaignId: string,
    config: CampaignConfigInput,
    { slots, labMilliseconds }: { slots: number; labMilliseconds: number },
  ): Promise<void> {
    const { ports } = this;
    const gpu = await this.start('gpu', {
      activities: createGpuActivities({
        ...ports,
        ...{ learning: ports.learning(), training: ports.training(), tuning: null },
      }),
      maxConcurrentActivityTaskExecutions: slots,
    });
    const handle = await this.env.client.workflow.start('activeLearningCampaign', {
      taskQueue: 'orchestration',
      workflowId: campaignId,
      args: [config],
    });
    for (let round = 1; round <= config.budget!.rounds!; round++) {
      const { sheet } = await eventually(
        () => handle.query<CurrentBatch>('currentBatch'),
        (batch) => batch.batchId?.endsWith(`/${round}`) ?? false,
        PATIENCE,
      );
      await setTimeout(labMilliseconds);
      const results = sheet!.picks.map(({ moleculeId, smiles }) => ({
        resultId: `${campaignId}/${moleculeId}`,
        moleculeId,
        // Something that a model can learn, and something that it cannot.
        value: -smiles.length / 10 + parseInt(sha256(moleculeId).slice(0, 8), 16) / 2 ** 32,
      }));
      await handle.signal('labResults', { results });
    }
    await handle.result();
    gpu.shutdown();
    await this.workers.find(({ worker }) => worker === gpu)!.done;
  }

  async close(): Promise<void> {
    for (const { worker } of this.workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.all(this.workers.map(({ done }) => done));
    await this.ports.close();
    await this.env.teardown();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
