import {
  MEDIA_TYPES,
  TitrateError,
  type ArtifactRef,
  type TrackedArtifact,
  type TrackedArtifactName,
  type TrackedRun,
} from '../contracts';
import { createNumberedLog, parseRecord, type ObjectStore } from '../objects';
import type { ArtifactThere, ExperimentTracker } from './tracker';

const ROOT = 'tracking/local';

/**
 * Runs and artifacts as records of the object store: `tracking/local/runs/<id>/<n>` (the last one is the run),
 * `…/artifacts/<collection>/<version>`, `…/aliases/<collection>/<alias>/<n>`. Files stay where they are: artifacts name them by hash.
 */
export function createLocalTracker(objects: ObjectStore): ExperimentTracker {
  const runLog = (runId: string) => createNumberedLog<ArtifactRef>(objects, `${ROOT}/runs/${runId}`);
  const aliasLog = (collection: string, alias: string) =>
    createNumberedLog<{ version: string }>(objects, `${ROOT}/aliases/${collection}/${alias}`);
  const artifactKey = ({ collection, version }: TrackedArtifactName) =>
    `${ROOT}/artifacts/${collection}/${version}`;

  async function stored({ collection, version }: TrackedArtifactName): Promise<TrackedArtifact | null> {
    const key = artifactKey({ collection, version });
    const bytes = await objects.readRecord(key);
    if (!bytes) return null;
    const ref = parseRecord<ArtifactRef>(bytes, key);
    return JSON.parse((await objects.get(ref)).toString('utf8')) as TrackedArtifact;
  }

  return {
    destination: 'local',

    async putRuns(runs) {
      for (const run of runs) {
        const ref = await objects.put(Buffer.from(JSON.stringify(run)), MEDIA_TYPES.json);
        await runLog(run.runId).append((entries) =>
          entries.at(-1)?.value.sha256 === ref.sha256 ? null : ref,
        );
      }
    },

    async run(runId) {
      const last = (await runLog(runId).entries()).at(-1);
      return last ? (JSON.parse((await objects.get(last.value)).toString('utf8')) as TrackedRun) : null;
    },

    async putArtifact(artifact) {
      const ref = await objects.put(Buffer.from(JSON.stringify(artifact)), MEDIA_TYPES.json);
      await objects.createRecord(artifactKey(artifact), Buffer.from(JSON.stringify(ref)));
    },

    async artifact(name): Promise<ArtifactThere | null> {
      const artifact = await stored(name);
      if (!artifact) return null;
      const files = [];
      for (const { name: file, content } of artifact.files) {
        if (await objects.renew(content.sha256))
          files.push({ name: file, sha256: content.sha256, bytes: content.bytes });
      }
      return { ...name, type: artifact.type, metadata: artifact.metadata, files };
    },

    async moveAlias(name, alias) {
      if (!(await stored(name))) {
        throw new TitrateError('not-found', {
          what: `there is no ${name.version} of ${name.collection}`,
          where: 'local tracking',
        });
      }
      await aliasLog(name.collection, alias).append((entries) =>
        entries.at(-1)?.value.version === name.version ? null : { version: name.version },
      );
    },

    async aliased(collection, alias) {
      return (await aliasLog(collection, alias).entries()).at(-1)?.value.version ?? null;
    },
  };
}
