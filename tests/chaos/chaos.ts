import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import {
  TASK_QUEUES,
  type BatchSheet,
  type CampaignConfigInput,
  type CurrentBatch,
} from '../../src/contracts';
import { compiledEntry, createRandom, packageRoot, sha256 } from '../../src/foundation';
import { startLocalStack, STACK_ENTRIES, type LocalStack } from '../../src/platform/local-stack';
import { loadSettings } from '../../src/platform/settings';
import { eventually } from '../support/eventually';
import type { Fault } from '../support/faulty-worker';

/** The loop's stages, and the activity by which each is known. `waiting` has none: the harness kills there itself. */
export const STAGES = {
  landing: 'landSource',
  standardising: 'standardiseSource',
  committing: 'commitDataset',
  cutting: 'closeCut',
  featurizing: 'featuriseShard',
  exploring: 'runTrial',
  evaluating: 'evaluateModel',
  training: 'trainModel',
  registering: 'registerModel',
  acquiring: 'acquireBatch',
  sealing: 'publishBatch',
  'rolling out': 'deployModel',
  recording: 'recordRound',
  checking: 'resolveResults',
  intake: 'recordResults',
  waiting: null,
} as const;
export type Stage = keyof typeof STAGES;

export const PROCESSES = ['temporal', ...TASK_QUEUES, 'inference'] as const;
export type Process = (typeof PROCESSES)[number];

export interface Kill {
  readonly stage: Stage;
  readonly process: Process;
}

/** Every process × every stage, dealt into one run a process so that each run kills another one at each stage. */
export function killRuns(): Kill[][] {
  const stages = Object.keys(STAGES) as Stage[];
  return PROCESSES.map((_, run) =>
    stages.map((stage, i) => ({ stage, process: PROCESSES[(i + run) % PROCESSES.length]! })),
  );
}

/** A pool of `molecules` from the solubility example, and values that are a function of the molecule alone. */
export function writePool(directory: string, molecules: number): CampaignConfigInput {
  const lines = readFileSync(path.join(packageRoot, 'examples/solubility/measured.csv'), 'utf8').split(
    /\r?\n/,
  );
  const [header, ...rows] = lines.filter(Boolean);
  const random = createRandom(11);
  writeFileSync(
    path.join(directory, 'pool.csv'),
    [header, ...random.shuffle(rows).slice(0, molecules)].join('\n'),
  );
  return {
    title: 'chaos',
    seed: 3,
    objective: { property: 'logS', direction: 'maximize' },
    pool: { sources: [{ uri: 'pool.csv', smilesColumn: 'smiles' }] },
    featurizers: [{ kind: 'morgan', radius: 2, bits: 512 }],
    exploration: { maxRows: 32, folds: 2, trialsPerFamily: 1, epochs: 4 },
    training: { members: 2, epochs: 6, folds: 2 },
    acquisition: { batchSize: 16 },
    budget: { rounds: 2 },
  };
}

/** Something between 0 and 1 that depends on nothing but the molecule. */
const valueOf = (moleculeId: string) => parseInt(sha256(moleculeId).slice(0, 8), 16) / 2 ** 32;

export interface ChaosOutcome {
  readonly batches: readonly {
    readonly cutId: string;
    readonly modelSha256: string | null;
    readonly picks: readonly string[];
  }[];
  readonly labelled: number;
  readonly kills: readonly string[];
  readonly restarts: number;
}

/** Plays a two-round campaign on a stack of its own, killing what is planned when it is planned. */
export async function playCampaign(
  directory: string,
  config: CampaignConfigInput,
  kills: readonly Kill[],
): Promise<ChaosOutcome> {
  const home = path.join(directory, '.titrate');
  mkdirSync(path.join(home, 'faults'), { recursive: true });
  const planned: Fault[] = kills.flatMap(({ stage, process }) => {
    const activity = STAGES[stage];
    return activity
      ? [
          {
            id: `${stage}-${process}`.replace(/ /g, '-'),
            activity,
            // Half of the stages lose their process before the work, half with the work done and not yet reported.
            phase: Object.keys(STAGES).indexOf(stage) % 2 ? 'after' : 'before',
            kill: process,
          },
        ]
      : [];
  });
  const faultsFile = path.join(home, 'faults.json');
  writeFileSync(faultsFile, JSON.stringify(planned));
  process.env.TITRATE_TEST_FAULTS = faultsFile;
  const settings = loadSettings(
    {
      home,
      workingDirectory: directory,
      logLevel: 'warn',
      learning: { backend: 'wasm' },
      threads: { chemistry: 1, learning: 1 },
    },
    {},
  );
  const entries = STACK_ENTRIES.map((entry) =>
    (TASK_QUEUES as readonly string[]).includes(entry.name)
      ? { ...entry, file: faultyEntry(home, entry.name) }
      : entry,
  );
  const stack = await startLocalStack({ settings, ports: 'free', entries });
  try {
    return await drive(
      stack,
      home,
      config,
      kills.filter(({ stage }) => stage === 'waiting'),
    );
  } finally {
    await stack.stop();
  }
}

/** A worker like any other, with an interceptor that strikes as planned. */
function faultyEntry(home: string, queue: string): string {
  const file = path.join(home, `${queue}.cjs`);
  writeFileSync(
    file,
    `process.env.TITRATE_TEST_QUEUE='${queue}';require(${JSON.stringify(compiledEntry('tests/support/faulty-worker'))});\n`,
  );
  return file;
}

async function drive(
  stack: LocalStack,
  home: string,
  config: CampaignConfigInput,
  waiting: readonly Kill[],
): Promise<ChaosOutcome> {
  const connection = await Connection.connect({ address: stack.address });
  const client = new Client({ connection });
  try {
    const handle = await client.workflow.start('activeLearningCampaign', {
      taskQueue: 'orchestration',
      workflowId: 'chaos',
      args: [config],
    });
    const sheets: BatchSheet[] = [];
    const killed: string[] = [];
    for (let round = 1; round <= 2; round++) {
      const { sheet } = await eventually(
        () => handle.query<CurrentBatch>('currentBatch'),
        (batch) => batch.batchId?.endsWith(`/${round}`) ?? false,
        PATIENCE,
      );
      sheets.push(sheet!);
      if (round === 1) {
        for (const { process: name } of waiting) {
          stack.kill(name);
          killed.push(`waiting-${name}`);
          await stack.whenReady(name);
        }
      }
      const results = sheet!.picks.map((pick) => ({
        resultId: `r/${round}/${pick.rank}`,
        moleculeId: pick.moleculeId,
        value: valueOf(pick.moleculeId),
      }));
      // A client that gets no answer posts again: the resultId makes that harmless.
      await eventually(() => handle.signal('labResults', { results }).then(() => true), Boolean, PATIENCE);
    }
    const outcome = (await eventually(
      () => handle.result() as Promise<{ labelled: number }>,
      Boolean,
      PATIENCE,
    )) as { labelled: number };
    return {
      batches: sheets.map(({ cutId, modelSha256, picks }) => ({
        cutId,
        modelSha256,
        picks: picks.map((pick) => pick.moleculeId),
      })),
      labelled: outcome.labelled,
      kills: [...killed, ...readLines(path.join(home, 'faults.log'))],
      restarts: stack.processes().reduce((sum, p) => sum + p.restarts, 0),
    };
  } finally {
    await connection.close();
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** Servers and workers are being killed meanwhile: errors are expected. */
const PATIENCE = { seconds: 480, every: 200 };
