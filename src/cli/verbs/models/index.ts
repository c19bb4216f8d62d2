import type { Command } from 'commander';
import { diffVerb } from './diff';
import { exportVerb } from './export';
import { listVerb } from './list';
import { moveVerbs } from './moves';
import { showVerb } from './show';
import { uploadVerb } from './upload';

/** `titrate models …`: from the registry in the home directory; no server is needed. */
export function modelsVerbs(program: Command): void {
  const models = program.command('models').description('registered model versions');
  listVerb(models);
  showVerb(models);
  diffVerb(models);
  exportVerb(models);
  moveVerbs(models);
  uploadVerb(models);
}
