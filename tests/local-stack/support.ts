import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { StackEntry } from '../../src/platform/local-stack';
import { loadSettings, type Settings } from '../../src/platform/settings';

export function temporaryHome(): Settings {
  const home = mkdtempSync(path.join(os.tmpdir(), 'titrate-stack-'));
  return loadSettings({ home, workingDirectory: home, logLevel: 'error' }, {});
}

/** A small real program that behaves as a worker entry does: says it is ready, runs on, ends on SIGTERM. */
export function program(settings: Settings, name: string, body = ''): StackEntry {
  const file = path.join(settings.home, `${name}.cjs`);
  writeFileSync(
    file,
    `process.on('SIGTERM', () => process.exit(0));
     setInterval(() => {}, 1000);
     ${body}
     console.log('worker ${name} ready ' + process.env.TITRATE_TEMPORAL_PORT);`,
  );
  return { name, file, ready: new RegExp(`^worker ${name} ready \\d+$`) };
}

export async function until(condition: () => boolean, what: string, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
