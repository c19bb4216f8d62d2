import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { stringify } from 'yaml';
import { inFasterTime, ruleGroups } from '../../scripts/monitoring-rules';
import type { CampaignConfigInput, CampaignStatus, CurrentBatch } from '../../src/contracts';
import { packageRoot } from '../../src/foundation';
import { startLocalStack, STACK_ENTRIES, type LocalStack } from '../../src/platform/local-stack';
import { loadSettings } from '../../src/platform/settings';
import { writePool } from '../chaos/chaos';
import { startAlertmanager, type Delivered } from './alertmanager';
import { eventually } from './eventually';
import { startPrometheus } from './prometheus';

/**
 * How much faster the rules' time passes. Rules about campaigns look at clocks alone and may be as fast as one likes; a rate needs
 * two scrapes, a second apart, in its shortest range of five minutes.
 */
const FASTER = { campaigns: 600, others: 60 };
const rules = () =>
  [...ruleGroups()].map(([name, groups]) => ({
    groups: inFasterTime(groups, name === 'campaigns' ? FASTER.campaigns : FASTER.others),
  }));

export const CAMPAIGN = 'watched';

export interface WatchedCampaign {
  readonly stack: LocalStack;
  readonly client: Client;
  /** Base address of the Prometheus that scrapes every process. */
  readonly prometheus: string;
  /** What Alertmanager told its webhook, in order. */
  readonly told: readonly Delivered[];
  /** Waits until an alert with these labels was told. */
  alerted(status: Delivered['status'], labels: Readonly<Record<string, string>>): Promise<Delivered>;
  start(id: string, changes?: Partial<CampaignConfigInput>): Promise<void>;
  /** The batch of a round, once it is out. */
  batch(round: number): Promise<NonNullable<CurrentBatch['sheet']>>;
  /** Posts a value for each of its molecules, and one row that names no molecule of it. */
  answer(sheet: NonNullable<CurrentBatch['sheet']>): Promise<void>;
  status(): Promise<CampaignStatus>;
  /** Asks the server for predictions, once of a model that is not there, then without a pause until the returned function is called. */
  load(): () => Promise<void>;
  close(): Promise<void>;
}

/**
 * Every process of `titrate up`, a Prometheus that scrapes each of them and evaluates the shipped rules in a faster time, and an
 * Alertmanager with the shipped configuration. The one fault: candidates on trial answer with errors.
 */
export async function openWatchedCampaign(): Promise<WatchedCampaign> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'titrate-watched-'));
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const one of closers.reverse()) await one();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    // Every prediction is kept, and soon.
    const log = { share: 1, minutes: 0.05 };
    writeFileSync(path.join(directory, 'titrate.yaml'), stringify({ inference: { log } }));
    const settings = loadSettings(
      {
        ...{ home: path.join(directory, '.titrate'), workingDirectory: directory, logLevel: 'warn' },
        threads: { chemistry: 1, learning: 1 },
      },
      {},
    );
    const faulty = path.join(packageRoot, 'tests/infra/fixtures/inference-with-bad-candidates.cjs');
    const entries = STACK_ENTRIES.map((entry) =>
      entry.name === 'inference' ? { ...entry, file: faulty } : entry,
    );
    const stack = await startLocalStack({ settings, ports: 'free', entries });
    closers.push(() => stack.stop());
    const alertmanager = await startAlertmanager();
    closers.push(() => alertmanager.close());
    const hosts = (inference: boolean) =>
      stack.metrics
        .filter(({ name }) => (name === 'inference') === inference)
        .map(({ url }) => new URL(url).host);
    const prometheus = await startPrometheus({
      jobs: { 'titrate-workers': hosts(false), 'titrate-inference': hosts(true) },
      ...{ rules: rules(), alertmanager: alertmanager.address },
    });
    closers.push(() => prometheus.close());
    const connection = await Connection.connect({ address: stack.address });
    closers.push(() => connection.close());
    const client = new Client({ connection });
    const handle = () => client.workflow.getHandle(CAMPAIGN);
    const { told } = alertmanager;

    return {
      ...{ stack, client, told, close, prometheus: prometheus.endpoint },

      async alerted(status, labels) {
        const matches = (one: Delivered) =>
          one.status === status &&
          Object.entries(labels).every(([name, value]) => one.labels[name] === value);
        const found = await eventually(
          () =>
            Promise.resolve(told.find(matches) ?? told.map((one) => `${one.status} ${one.labels.alertname}`)),
          (seen) => !Array.isArray(seen),
          { seconds: 60, every: 100 },
        );
        return found as Delivered;
      },

      async start(id, changes = {}) {
        const config: CampaignConfigInput = {
          ...writePool(directory, 60),
          acquisition: { batchSize: 16, constraints: { cost: { default: 10, perBatch: 1000 } } },
          budget: { rounds: 4 },
          lab: { expectedAfter: '1 second' },
          rollout: { steps: [{ mode: 'canary', share: 50, watch: '5s', within: '30s', requests: 20 }] },
          ...changes,
        };
        await client.workflow.start('activeLearningCampaign', {
          ...{ taskQueue: 'orchestration', workflowId: id, args: [config] },
        });
      },

      async batch(round) {
        const { sheet } = await eventually(
          () => handle().query<CurrentBatch>('currentBatch'),
          ({ batchId, sheet: there }) => batchId === `${CAMPAIGN}/batch/${round}` && there !== null,
          { seconds: 60, every: 200 },
        );
        return sheet!;
      },

      async answer({ batchId, picks }) {
        const results = picks.map(({ rank, moleculeId, smiles }) => ({
          ...{ resultId: `${batchId}-${rank}`, batchId, moleculeId, value: -smiles.length / 10 },
          measuredAt: new Date().toISOString(),
        }));
        const bad = { resultId: `${batchId}-bad`, batchId, moleculeId: 'mol_of_nobody', value: 1 };
        await handle().signal('labResults', { results: [...results, bad] });
      },

      status: () => handle().query<CampaignStatus>('status'),

      load() {
        let on = true;
        const ask = (model: string) =>
          fetch(`${stack.inferenceUrl}/predict`, {
            ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
            body: JSON.stringify({ model, smiles: ['CCO', 'c1ccccc1O'] }),
          }).then((response) => response.arrayBuffer());
        const asking = (async () => {
          await ask('nobody');
          while (on) await ask(CAMPAIGN);
        })();
        return () => ((on = false), asking);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
