import { Client, Connection } from '@temporalio/client';
import { startLocalStack, STACK_ENTRIES, type LocalStack } from '../../../src/platform/local-stack';
import { loadSettings } from '../../../src/platform/settings';
import type { World } from '../../serving/support/world';

const PROCESSES = ['orchestration', 'deploy', 'inference'];

export interface RolloutStack {
  readonly stack: LocalStack;
  readonly client: Client;
  close(): Promise<void>;
}

/** The processes of `titrate up` that roll models out, in the world's directory. */
export async function openRolloutStack({ directory }: World): Promise<RolloutStack> {
  const settings = loadSettings(
    {
      ...{ home: directory, workingDirectory: directory, logLevel: 'warn' },
      ...{ learning: { backend: 'cpu' }, threads: { chemistry: 1, learning: 1 } },
    },
    {},
  );
  const entries = STACK_ENTRIES.filter(({ name }) => PROCESSES.includes(name));
  const stack = await startLocalStack({ settings, ports: 'free', entries });
  const connection = await Connection.connect({ address: stack.address }).catch(async (error: unknown) => {
    await stack.stop();
    throw error;
  });
  return {
    stack,
    client: new Client({ connection }),
    async close() {
      await connection.close();
      await stack.stop();
    },
  };
}
