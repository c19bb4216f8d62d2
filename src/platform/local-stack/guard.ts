/**
 * A process that outlives a killed stack for a moment: when the stack's end of the channel closes without an orderly stop,
 * it ends the stack's children, of which the Temporal server would not notice by itself. Run as a child with an IPC channel.
 */
import { endProcess, type ProcessMark } from './processes';

/** What each child gets to end by itself, milliseconds. */
const GRACE_MS = 5000;

export interface GuardMessage {
  /** All children that run now. */
  readonly children: readonly ProcessMark[];
}

if (require.main === module) {
  let children: readonly ProcessMark[] = [];
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('message', (message: GuardMessage) => {
    children = message.children;
  });
  process.on('disconnect', () => {
    void Promise.allSettled(children.map((child) => endProcess(child, GRACE_MS))).then(() => process.exit(0));
  });
}
