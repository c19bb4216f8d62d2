import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { compiledEntry } from '../../src/foundation';

interface History {
  readonly events: readonly {
    readonly workflowExecutionStartedEventAttributes: { readonly workflowId: string };
  }[];
}

/**
 * `node dist/tests/support/replay.js FILE…`: replays each history on the prebuilt bundle; one line a file, exit code 1
 * if one cannot be read. A process of its own keeps the SDK's core out of jest.
 */
async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => {}) });
  const workflowBundle = { code: readFileSync(compiledEntry('workflow-bundle'), 'utf8') };
  for (const file of process.argv.slice(2)) {
    const history = JSON.parse(readFileSync(file, 'utf8')) as History;
    const { workflowId } = history.events[0]!.workflowExecutionStartedEventAttributes;
    const verdict = await Worker.runReplayHistory({ workflowBundle }, history, workflowId).then(
      () => 'ok',
      (error: Error) => error.message.split('\n')[0]!,
    );
    process.stdout.write(`${JSON.stringify({ file: path.basename(file), verdict })}\n`);
  }
}

void main().then(() => process.exit(0));
