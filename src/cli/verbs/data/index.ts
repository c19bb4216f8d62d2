import type { Command } from 'commander';
import { contentVerbs } from './contents';
import { ingestVerb } from './ingest';
import { moveVerbs } from './moves';
import { versionVerbs } from './versions';

/** `titrate data …`: works by itself, with no campaign and no server running. */
export function dataVerbs(program: Command): void {
  const data = program.command('data').description('datasets: ingest, look, compare, roll back, export');
  ingestVerb(data);
  versionVerbs(data);
  moveVerbs(data);
  contentVerbs(data);
}
