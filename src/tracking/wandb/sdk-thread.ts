import { parentPort, workerData } from 'node:worker_threads';
import { wandb } from '@wandb/sdk';

export interface RunToOpen {
  readonly runId: string;
  readonly name: string;
  /** As W&B keeps it: `{ key: { value } }`. */
  readonly config: Record<string, unknown>;
}
export interface SdkThreadInput {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly entity: string;
  readonly project: string;
  readonly runs: readonly RunToOpen[];
}
export type SdkThreadOutput = { readonly opened: true } | { readonly failed: string };

/**
 * The official SDK in a thread of its own: it keeps global state, installs handlers that end the process on SIGINT, and never stops
 * trying a request that has failed. Here it can do none of that to anybody else; whoever started the thread ends it.
 */
async function open({ baseUrl, apiKey, entity, project, runs }: SdkThreadInput): Promise<SdkThreadOutput> {
  // Every run that the SDK opens listens for the end of the process.
  process.setMaxListeners(0);
  await Promise.all(
    runs.map(({ runId, name, config }) =>
      wandb.init({ id: runId, name, project, entity, config, settings: { baseUrl, apiKey, silent: true } }),
    ),
  );
  return { opened: true };
}

const tell = (output: SdkThreadOutput) => parentPort!.postMessage(output);
open(workerData as SdkThreadInput).then(tell, (error: unknown) => {
  tell({ failed: error instanceof Error ? error.message : String(error) });
});
