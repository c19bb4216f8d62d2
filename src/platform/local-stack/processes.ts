import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Whether a process with this id exists (its owner may be somebody else). A zombie does not count: it has ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  try {
    return statFields(pid)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** /proc/<pid>/stat from the third field on; the second, the command, may itself hold spaces and brackets. */
function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/**
 * A text that stays the same while a process lives and differs from that of a later process with the same id: its start time.
 * @returns null when there is no such process, or no way to tell.
 */
export function identityOf(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${bootId}/${statFields(pid)[19]}`;
    }
    return execFileSync('ps', ['-p', String(pid), '-o', 'lstart='], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}

/** A process as written into a pid file: the id alone would be reused one day. */
export interface ProcessMark {
  readonly pid: number;
  readonly identity: string | null;
}

export function markOf(pid: number): ProcessMark {
  return { pid, identity: identityOf(pid) };
}

/** Whether the very process that was marked still runs. */
export function stillRuns(mark: ProcessMark): boolean {
  return isAlive(mark.pid) && (mark.identity === null || identityOf(mark.pid) === mark.identity);
}

function signal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') throw error;
  }
}

/** Sends a signal to the process group that `pid` leads or led. A group that has gone is no error. */
export function signalGroup(pid: number, name: NodeJS.Signals): void {
  signal(-pid, name);
}

/** Sends a signal to a process and, where it leads a group, to its group. A process that has gone is no error. */
export function signalTree(pid: number, name: NodeJS.Signals): void {
  signalGroup(pid, name);
  signal(pid, name);
}

export const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Asks a marked process to end, waits up to `graceMs`, then kills it. */
export async function endProcess(mark: ProcessMark, graceMs: number): Promise<void> {
  if (!stillRuns(mark)) return;
  signalTree(mark.pid, 'SIGTERM');
  const deadline = performance.now() + graceMs;
  while (stillRuns(mark) && performance.now() < deadline) await sleep(50);
  if (!stillRuns(mark)) return;
  signalTree(mark.pid, 'SIGKILL');
  while (stillRuns(mark)) await sleep(20);
}
