import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { compiledEntry } from '../../src/foundation';

const directory = path.join(__dirname, 'histories');
const files = readdirSync(directory).filter((file) => file.endsWith('.json'));

function replay(...paths: string[]): Record<string, string> {
  const output = execFileSync(process.execPath, [compiledEntry('tests/support/replay'), ...paths], {
    encoding: 'utf8',
  });
  const verdicts = output
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { file: string; verdict: string });
  return Object.fromEntries(verdicts.map(({ file, verdict }) => [file, verdict]));
}

/**
 * Histories of campaigns that ran before. Today's workflows must be able to take any of them up where it stands; a change that
 * breaks one would break campaigns that have waited for their lab for weeks. TITRATE_RECORD_HISTORIES=1 npx jest tests/workflow
 * records further ones, for new behaviour; an old one is never recorded again to make a test pass.
 */
describe('committed histories', () => {
  test('there are some of every workflow', () => {
    const types = new Set(files.map((file) => file.split('.')[0]));
    expect([...types].sort()).toEqual([
      'activeLearningCampaign',
      'driftWatch',
      'exploration',
      'featurization',
      'ingestion',
      'learningCycle',
      'modelUploads',
      'rollout',
      'tracking',
      'training',
    ]);
  });

  test('replay on the workflows of today', () => {
    const verdicts = replay(...files.map((file) => path.join(directory, file)));
    expect(verdicts).toEqual(Object.fromEntries(files.map((file) => [file, 'ok'])));
  });

  test('one that took another path does not replay', () => {
    const file = files.find((name) => name.startsWith('training.'))!;
    const changed = readFileSync(path.join(directory, file), 'utf8').replaceAll(
      '"evaluateModel"',
      '"judgeModel"',
    );
    const at = mkdtempSync(path.join(os.tmpdir(), 'titrate-replay-'));
    try {
      writeFileSync(path.join(at, file), changed);
      expect(replay(path.join(at, file))[file]).toMatch(/nondeterminism/i);
    } finally {
      rmSync(at, { recursive: true });
    }
  });
});
