import { readFileSync } from 'node:fs';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, type LogLevel } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../src/contracts';
import { compiledEntry } from '../../src/foundation';
import { workflowSpanSinks, type Tracing } from '../../src/observability/tracing';
import { findTemporalCli } from '../../src/platform/local-stack';

const TYPES = {
  Keyword: SearchAttributeType.KEYWORD,
  Int: SearchAttributeType.INT,
  Double: SearchAttributeType.DOUBLE,
} as const;

/** The prebuilt bundle that the orchestration worker runs. */
export const workflowBundle = () => ({ code: readFileSync(compiledEntry('workflow-bundle'), 'utf8') });

/** Options of a worker that runs workflows as the orchestration worker does. @param tracing where their spans go: left out, nowhere */
export const workflowOptions = (tracing: Tracing | null = null) => ({
  workflowBundle: workflowBundle(),
  sinks: workflowSpanSinks(tracing),
});

/**
 * A real Temporal server of its own, in memory, on a free port. TITRATE_TEST_LOG=DEBUG shows what the SDK logs.
 * @param extraArgs of `temporal server start-dev`
 */
export async function startServer(extraArgs: string[] = []): Promise<TestWorkflowEnvironment> {
  Runtime.install({ logger: new DefaultLogger((process.env.TITRATE_TEST_LOG ?? 'ERROR') as LogLevel) });
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: findTemporalCli().path },
      extraArgs,
      searchAttributes: Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) =>
        defineSearchAttributeKey(name, TYPES[type]),
      ),
    },
  });
}
