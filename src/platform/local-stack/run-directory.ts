import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { TitrateError } from '../../contracts';
import { createFileExclusive, writeFileAtomic } from '../../foundation';
import { endProcess, markOf, stillRuns, type ProcessMark } from './processes';

/** What a running stack tells other programs on this machine: `<home>/run/stack.json`. */
export interface StackAnnouncement extends ProcessMark {
  readonly temporal: {
    readonly host: string;
    readonly port: number;
    readonly uiPort: number;
    readonly namespace: string;
  };
  readonly inference: { readonly host: string; readonly port: number };
  /** Relative source paths of a campaign start here. */
  readonly workingDirectory: string;
  readonly startedAt: string;
  /** Where each process answers for its metrics; absent while the stack starts. */
  readonly metrics?: readonly { readonly name: string; readonly url: string }[];
}

const STACK_FILE = 'stack.json';
/** What an orphan gets to end by itself, milliseconds. */
const ORPHAN_GRACE_MS = 5000;

function readJson<T>(file: string): T | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** The stack that runs on this home directory now, or null. */
export function runningStack(runDirectory: string): StackAnnouncement | null {
  const found = readJson<StackAnnouncement>(path.join(runDirectory, STACK_FILE));
  return found && stillRuns(found) ? found : null;
}

/** Pid files of one home directory: who runs here, and what an earlier, killed run left behind. */
export class RunDirectory {
  constructor(readonly directory: string) {
    mkdirSync(directory, { recursive: true });
  }

  private at(name: string): string {
    return path.join(this.directory, name);
  }

  /**
   * Makes this process the one that runs a stack here, and ends what a killed predecessor left running.
   * @returns names of the orphans that were ended.
   * @throws TitrateError conflict naming the process id when a stack runs here already.
   */
  async claim(announcement: Omit<StackAnnouncement, 'pid' | 'identity'>): Promise<string[]> {
    const text = JSON.stringify({ ...markOf(process.pid), ...announcement }, null, 2);
    for (;;) {
      if (await createFileExclusive(this.at(STACK_FILE), text)) break;
      const other = runningStack(this.directory);
      if (other) {
        throw new TitrateError('conflict', {
          what: `a local stack already runs here (process ${other.pid}, Temporal on port ${other.temporal.port})`,
          where: this.directory,
          remedy: `Use it, stop it (kill ${other.pid}), or choose another directory with --home`,
        });
      }
      rmSync(this.at(STACK_FILE), { force: true });
    }
    return this.endOrphans();
  }

  /** Records the ports of the stack once they are known. */
  async announce(announcement: Omit<StackAnnouncement, 'pid' | 'identity'>): Promise<void> {
    await writeFileAtomic(
      this.at(STACK_FILE),
      JSON.stringify({ ...markOf(process.pid), ...announcement }, null, 2),
    );
  }

  private async endOrphans(): Promise<string[]> {
    const ended: string[] = [];
    for (const file of readdirSync(this.directory).filter((name) => name.endsWith('.pid'))) {
      const mark = readJson<ProcessMark>(this.at(file));
      if (mark && mark.identity !== null && stillRuns(mark)) {
        ended.push(file.slice(0, -'.pid'.length));
        await endProcess(mark, ORPHAN_GRACE_MS);
      }
      rmSync(this.at(file), { force: true });
    }
    return ended;
  }

  async writePid(name: string, pid: number): Promise<void> {
    await writeFileAtomic(this.at(`${name}.pid`), JSON.stringify(markOf(pid)));
  }

  removePid(name: string): void {
    rmSync(this.at(`${name}.pid`), { force: true });
  }

  release(): void {
    rmSync(this.at(STACK_FILE), { force: true });
  }
}
