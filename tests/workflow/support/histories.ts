import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { findTemporalCli } from '../../../src/platform/local-stack';

const HISTORIES = path.join(__dirname, '../../replay/histories');

/** Writes executions down for tests/replay, where TITRATE_RECORD_HISTORIES asks for it. @param belongs by the id of the workflow */
export async function recordHistories(
  { client, address }: TestWorkflowEnvironment,
  belongs: (workflowId: string) => boolean,
): Promise<void> {
  if (!process.env.TITRATE_RECORD_HISTORIES) return;
  for await (const { workflowId, runId, type } of client.workflow.list()) {
    if (!belongs(workflowId)) continue;
    const where = ['--workflow-id', workflowId, '--run-id', runId, '--address', address, '--output', 'json'];
    const history = execFileSync(findTemporalCli().path, ['workflow', 'show', ...where], {
      maxBuffer: 1 << 26,
    });
    const file = `${type}.${workflowId.replace(/\//g, '-')}.${runId.slice(-6)}.json`;
    writeFileSync(path.join(HISTORIES, file), history);
  }
}
