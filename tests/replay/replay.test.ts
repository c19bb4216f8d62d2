import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { workflowBundle } from '../support/temporal';

const directory = path.join(__dirname, 'histories');
const files = readdirSync(directory).filter((file) => file.endsWith('.json'));

/**
 * Histories of campaigns that ran before. Today's workflows must be able to take any of them up where it stands; a change that
 * breaks one would break campaigns that have waited for their lab for weeks. TITRATE_RECORD_HISTORIES=1 npx jest tests/workflow
 * records new ones, for new behaviour; an old one is never recorded again to make a test pass.
 */
describe('committed histories replay', () => {
  beforeAll(() => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
  });

  test('there are histories of every workflow', () => {
    const types = new Set(files.map((file) => file.split('.')[0]));
    expect([...types].sort()).toEqual([
      'activeLearningCampaign',
      'exploration',
      'featurization',
      'ingestion',
      'learningCycle',
      'rollout',
      'training',
    ]);
  });

  test.each(files)('%s', async (file) => {
    const history = historyFromJSON(JSON.parse(readFileSync(path.join(directory, file), 'utf8')));
    await Worker.runReplayHistory({ workflowBundle: workflowBundle() }, history, file.split('.')[1]);
  });
});
