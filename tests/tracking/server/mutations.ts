import { randomBytes } from 'node:crypto';
import type { createResolvers } from './resolvers';
import { Refused, type StoredArtifact, type WandbState } from './state';

interface Input<T> {
  readonly input: T;
}
interface RunName {
  readonly entityName: string;
  readonly projectName: string;
  readonly runName: string;
}

const storageKey = () => randomBytes(12).toString('hex');

/** The changes a client may make. Refusals are those W&B's own clients are written against: incomplete artifacts do not commit. */
export function createMutations(
  state: WandbState,
  { file, runOf, artifactOf }: ReturnType<typeof createResolvers>,
  url: (key: string) => string,
) {
  const runNamed = ({ entityName, projectName, runName }: RunName) => {
    const run = state.project(entityName, projectName).runs.get(runName);
    if (!run) throw new Refused(`run ${runName} not found`);
    return run;
  };

  function moveAliases(
    artifactID: string,
    aliases: readonly { artifactCollectionName: string; alias: string }[],
  ) {
    const artifact = state.artifact(artifactID);
    if (artifact.state !== 'COMMITTED') throw new Refused('the artifact is not committed');
    for (const { artifactCollectionName, alias } of aliases) {
      if (artifactCollectionName !== artifact.collection.name) throw new Refused('not of this collection');
      if (/^v\d+$/.test(alias)) throw new Refused(`'${alias}' is reserved for version numbers`);
      artifact.collection.aliases.set(alias, artifact);
    }
    return artifact;
  }

  return {
    upsertBucket({
      input,
    }: Input<{
      id?: string;
      name?: string;
      modelName?: string;
      entityName?: string;
      displayName?: string;
      groupName?: string;
      jobType?: string;
      tags?: string[];
      notes?: string;
      description?: string;
      config?: string;
      summaryMetrics?: string;
    }>) {
      const project = state.project(input.entityName || 'chemists', input.modelName || 'uncategorized');
      const byId = input.id
        ? [...state.projects.values()]
            .flatMap(({ runs }) => [...runs.values()])
            .find(({ id }) => id === input.id)
        : undefined;
      if (!byId && !input.name) throw new Refused('a run needs a name');
      const { run, inserted } = byId ? { run: byId, inserted: false } : state.upsertRun(project, input.name!);
      run.displayName = input.displayName ?? run.displayName;
      run.group = input.groupName ?? run.group;
      run.jobType = input.jobType ?? run.jobType;
      run.tags = input.tags ?? run.tags;
      run.notes = input.notes ?? run.notes;
      run.description = input.description ?? run.description;
      if (input.config) run.config = JSON.parse(input.config) as Record<string, unknown>;
      if (input.summaryMetrics) run.summary = JSON.parse(input.summaryMetrics) as Record<string, unknown>;
      return { bucket: runOf(run), inserted };
    },

    createRunFiles({ input }: Input<RunName & { files: string[] }>) {
      const run = runNamed(input);
      const files = input.files.map((name) => {
        const key = run.files.get(name) ?? storageKey();
        run.files.set(name, key);
        return { name, uploadUrl: url(key) };
      });
      return { runID: run.id, uploadHeaders: [], files };
    },

    createArtifact({
      input,
    }: Input<{
      entityName: string;
      projectName: string;
      runName?: string;
      artifactTypeName: string;
      artifactCollectionName: string;
      digest: string;
      digestAlgorithm: string;
      description?: string;
      metadata?: string;
      clientID?: string;
      aliases?: { alias: string }[];
      enableDigestDeduplication?: boolean;
    }>) {
      if (input.digestAlgorithm !== 'MANIFEST_MD5') throw new Refused('only MANIFEST_MD5 here');
      const project = state.project(input.entityName, input.projectName);
      const collection = state.collection(project, input.artifactCollectionName, input.artifactTypeName);
      const artifact = state.createArtifact(
        collection,
        {
          digest: input.digest,
          run: input.runName ? runNamed({ ...input, runName: input.runName }) : null,
          description: input.description ?? null,
          metadata: input.metadata ?? null,
          clientId: input.clientID ?? null,
          wantedAliases: (input.aliases ?? []).map(({ alias }) => alias),
        },
        input.enableDigestDeduplication ?? false,
      );
      return { artifact: artifactOf(artifact) };
    },

    createArtifactManifest({ input }: Input<{ artifactID: string; digest: string } & RunName>) {
      const artifact = state.artifact(input.artifactID);
      if (artifact.state === 'COMMITTED') throw new Refused('the artifact is committed');
      artifact.manifest = { id: `manifest:${storageKey()}`, digest: input.digest, key: storageKey() };
      return {
        artifactManifest: {
          id: artifact.manifest.id,
          digest: input.digest,
          file: file('wandb_manifest.json', artifact.manifest.key, input.digest || undefined),
        },
      };
    },

    createArtifactFiles({
      input,
    }: Input<{ artifactFiles: { artifactID: string; name: string; md5: string }[] }>) {
      const nodes = input.artifactFiles.map(({ artifactID, name, md5 }) => {
        const artifact = state.artifact(artifactID);
        const born = sameFileBefore(artifact, name, md5);
        if (born) {
          return { ...file(name, born.files.get(name)!.key), uploadUrl: null, artifact: artifactOf(born) };
        }
        const key = artifact.files.get(name)?.key ?? storageKey();
        artifact.files.set(name, { key, md5 });
        return { ...file(name, key, md5), artifact: artifactOf(artifact) };
      });
      return {
        files: {
          totalCount: nodes.length,
          edges: nodes.map((node) => ({ node })),
          pageInfo: { hasNextPage: false },
        },
      };
    },

    commitArtifact({ input }: Input<{ artifactID: string }>) {
      const artifact = state.artifact(input.artifactID);
      state.commit(artifact);
      return { artifact: artifactOf(artifact) };
    },

    addAliases({
      input,
    }: Input<{ artifactID: string; aliases: { artifactCollectionName: string; alias: string }[] }>) {
      moveAliases(input.artifactID, input.aliases);
      return { success: true };
    },

    deleteAliases({ input }: Input<{ artifactID: string; aliases: { alias: string }[] }>) {
      const { collection } = state.artifact(input.artifactID);
      for (const { alias } of input.aliases) collection.aliases.delete(alias);
      return { success: true };
    },

    useArtifact({ input }: Input<{ artifactID: string } & RunName>) {
      const artifact = state.artifact(input.artifactID);
      runNamed(input).used.add(artifact);
      return { artifact: artifactOf(artifact) };
    },

    updateArtifact({ input }: Input<{ artifactID: string }>) {
      return { artifact: artifactOf(state.artifact(input.artifactID)) };
    },
  };

  /** The committed version of the collection that has this very file already: it is not uploaded again. */
  function sameFileBefore(artifact: StoredArtifact, name: string, md5: string): StoredArtifact | undefined {
    return artifact.collection.versions.find((version) => {
      const stored = version.files.get(name);
      return stored?.md5 === md5 && state.storage.has(stored.key);
    });
  }
}
