import type { Command } from 'commander';
import { addAuthorOptions, authorship, type AuthorOptions } from '../../authorship';
import { verb } from '../../context';
import { interruption } from '../../interruption';
import { withPorts } from '../../ports';
import { facts } from '../../table';

interface UploadOptions extends AuthorOptions {
  readonly dryRun?: boolean;
}

const upload = verb<[string], UploadOptions>(async (cli, options, name) => {
  await withPorts(cli.settings, async (ports) => {
    const { uploadVersion } = await import('../../../training');
    const version = await ports.registry.resolve(name);
    const modelUpload = ports.modelUpload();
    const { place } = modelUpload;
    if (options.dryRun) {
      cli.result({ dryRun: true, model: version.id, place }, (d) =>
        facts([
          ['model', d.model],
          ['to', d.place],
        ]),
      );
      cli.say('nothing was uploaded');
      return;
    }
    cli.say(`${version.id}: to ${place}; Vertex AI may take minutes`);
    const uploaded = await uploadVersion(version, {
      ...ports,
      modelUpload,
      ...authorship(options, 'uploaded by hand'),
      signal: interruption(cli, () => 'it may go on there; the same command finds what came of it'),
    });
    cli.result({ model: version.id, place, ...uploaded }, (u) =>
      facts([
        ['model', u.model],
        ['in Vertex AI', u.name],
        ['version there', u.versionId],
      ]),
    );
  });
});

export function uploadVerb(models: Command): void {
  addAuthorOptions(
    models
      .command('upload <version>')
      .description("enter a version into Vertex AI's model registry, once; settings google and training")
      .option('--dry-run', 'say where it would go'),
  ).action(upload);
}
