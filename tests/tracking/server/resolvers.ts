import {
  Refused,
  md5Base64,
  type StoredArtifact,
  type StoredCollection,
  type StoredProject,
  type StoredRun,
  type WandbState,
} from './state';

type Args = Record<string, never>;
interface Named {
  readonly name: string;
}
interface Page {
  readonly first?: number;
  readonly after?: string;
}
const nameOf = (args: Named) => args.name;

/** One page; the cursor is the number of the last item on it. */
function connection<T>(items: readonly T[], { first = 50, after }: Page, extra: object = {}) {
  const start = after ? Number(after) : 0;
  const page = items.slice(start, start + first);
  const end = start + page.length;
  return {
    totalCount: items.length,
    edges: page.map((node, i) => ({ node, cursor: String(start + i + 1), ...extra })),
    pageInfo: { endCursor: page.length ? String(end) : null, hasNextPage: end < items.length },
  };
}

/** What the schema's fields resolve to: views of the state. `url` makes a storage address of a key. */
export function createResolvers(state: WandbState, url: (key: string) => string) {
  const viewer = () => ({
    id: 'VXNlcjox',
    entity: 'chemists',
    username: 'chemist',
    name: 'A. Chemist',
    email: 'chemist@example.org',
    admin: false,
    flags: '{}',
    teams: { edges: [{ node: { id: 'chemists', name: 'chemists' } }] },
    apiKeys: { edges: [] },
  });

  function file(name: string, key: string, announced?: string) {
    const bytes = state.storage.get(key);
    return {
      id: Buffer.from(`File:${key}`).toString('base64'),
      name,
      displayName: name,
      url: () => url(key),
      directUrl: url(key),
      uploadUrl: url(key),
      uploadHeaders: announced ? [`Content-MD5:${announced}`] : [],
      uploadMultipartUrls: null,
      storagePath: key,
      sizeBytes: bytes?.length ?? 0,
      mimetype: 'application/octet-stream',
      updatedAt: new Date().toISOString(),
      md5: bytes ? md5Base64(bytes) : null,
      digest: bytes ? md5Base64(bytes) : null,
    };
  }

  const historyBetween = (run: StoredRun, min: number, max: number) =>
    run.history.filter((line) => {
      const step = (JSON.parse(line) as { _step?: number })._step ?? 0;
      return step >= min && step < max;
    });

  function historyKeys(run: StoredRun) {
    const keys: Record<string, { typeCounts: { type: string; count: number }[]; monotonic: boolean }> = {};
    let lastStep = -1;
    for (const line of run.history) {
      const row = JSON.parse(line) as Record<string, unknown>;
      lastStep = Math.max(lastStep, Number(row._step ?? 0));
      for (const [key, value] of Object.entries(row)) {
        keys[key] ??= {
          typeCounts: [{ type: typeof value === 'number' ? 'number' : 'string', count: 0 }],
          monotonic: false,
        };
        keys[key].typeCounts[0]!.count += 1;
      }
    }
    return { sets: [], keys, lastStep };
  }

  const runOf = (run: StoredRun): object => ({
    __typename: 'Run',
    id: run.id,
    projectId: run.project.internalId,
    project: () => projectOf(run.project),
    name: run.name,
    displayName: run.displayName,
    description: run.description,
    notes: run.notes,
    config: () => JSON.stringify(run.config),
    wandbConfig: ({ keys }: { keys?: string[] }) => {
      const own = (run.config._wandb as { value?: Record<string, unknown> } | undefined)?.value ?? {};
      return JSON.stringify(
        Object.fromEntries(Object.entries(own).filter(([key]) => !keys || keys.includes(key))),
      );
    },
    summaryMetrics: () => JSON.stringify(run.summary),
    systemMetrics: '{}',
    group: run.group,
    jobType: run.jobType,
    tags: run.tags,
    state: run.state,
    stopped: false,
    readOnly: false,
    sweepName: null,
    createdAt: run.createdAt,
    updatedAt: run.createdAt,
    heartbeatAt: run.createdAt,
    user: viewer(),
    historyKeys: () => historyKeys(run),
    historyLineCount: run.history.length,
    logLineCount: 0,
    eventsLineCount: 0,
    historyTail: () => JSON.stringify(run.history.slice(-1)),
    eventsTail: '[]',
    history: ({
      minStep = 0,
      maxStep = Number.MAX_SAFE_INTEGER,
      samples = 500,
    }: {
      minStep?: number;
      maxStep?: number;
      samples?: number;
    }) => historyBetween(run, Number(minStep), Number(maxStep)).slice(0, samples),
    /** Nothing is exported to Parquet here, all is live: the Python client then reads `history`. */
    parquetHistory: () => ({
      liveData: run.history.map((line) => JSON.parse(line) as object),
      parquetUrls: [],
    }),
    sampledHistory: ({ specs }: { specs: string[] }) =>
      specs.map((text) => {
        const { keys } = JSON.parse(text) as { keys: string[] };
        return run.history
          .map((line) => JSON.parse(line) as Record<string, unknown>)
          .filter((row) => keys.every((key) => key in row))
          .map((row) => Object.fromEntries(keys.map((key) => [key, row[key]])));
      }),
    fileCount: run.files.size,
    files: ({ names, ...page }: Page & { names?: string[] }) => {
      const wanted = [...run.files].filter(([name]) => !names?.length || names.includes(name));
      return connection(
        wanted.map(([name, key]) => file(name, key)),
        page,
      );
    },
    outputArtifacts: (page: Page) =>
      connection(
        [...run.project.collections.values()]
          .flatMap(({ versions }) => versions)
          .filter((artifact) => artifact.run === run)
          .map(artifactOf),
        page,
      ),
    inputArtifacts: (page: Page) => connection([...run.used].map(artifactOf), page),
  });

  const projectOf = (project: StoredProject): object => ({
    id: project.id,
    internalId: project.internalId,
    name: project.name,
    entityName: project.entity,
    entity: { id: project.entity, name: project.entity },
    createdAt: new Date().toISOString(),
    readOnly: false,
    isBenchmark: false,
    runCount: project.runs.size,
    bucket: ({ name, missingOk }: { name: string; missingOk?: boolean }) => {
      const run = project.runs.get(name);
      if (!run && !missingOk) throw new Refused(`run ${name} not found`);
      return run ? runOf(run) : null;
    },
    run: (args: Named) => {
      const run = project.runs.get(nameOf(args));
      return run ? runOf(run) : null;
    },
    runs: ({ filters, ...page }: Page & { filters?: string }) => {
      const wanted = filters ? (JSON.parse(filters) as Record<string, unknown>) : {};
      const runs = [...project.runs.values()].filter(
        (run) =>
          (wanted.group === undefined || run.group === wanted.group) &&
          (wanted.jobType === undefined || run.jobType === wanted.jobType),
      );
      return connection(runs.map(runOf), page);
    },
    artifact: (args: Named) => {
      const artifact = state.named(project, nameOf(args));
      return artifact ? artifactOf(artifact) : null;
    },
    artifactType: (args: Named) => typeOf(project, nameOf(args)),
    artifactTypes: (page: Page) => {
      const types = new Set([...project.collections.values()].map(({ type }) => type));
      return connection(
        [...types].map((type) => typeOf(project, type)),
        page,
      );
    },
    artifactCollection: (args: Named) => {
      const collection = project.collections.get(nameOf(args));
      return collection ? collectionOf(collection) : null;
    },
    artifactCollectionMembership: (args: Named) => {
      const artifact = state.named(project, nameOf(args));
      return artifact ? membershipOf(artifact) : null;
    },
  });

  const typeOf = (project: StoredProject, type: string) => ({
    id: `type:${type}`,
    name: type,
    createdAt: new Date().toISOString(),
    artifactCollection: (args: Named) => {
      const collection = project.collections.get(nameOf(args));
      return collection?.type === type ? collectionOf(collection) : null;
    },
  });

  const collectionOf = (collection: StoredCollection): object => ({
    __typename: 'ArtifactSequence',
    id: collection.id,
    name: collection.name,
    createdAt: collection.createdAt,
    project: () => projectOf(collection.project),
    defaultArtifactType: { id: `type:${collection.type}`, name: collection.type },
    latestArtifact: () => (collection.versions.length ? artifactOf(collection.versions.at(-1)!) : null),
    artifactMembership: ({ aliasName }: { aliasName: string }) => {
      const artifact = state.named(collection.project, `${collection.name}:${aliasName}`);
      return artifact ? membershipOf(artifact) : null;
    },
    artifacts: (page: Page) => {
      const all = connection(collection.versions.map(artifactOf), page);
      return { ...all, edges: all.edges.map((edge, i) => ({ ...edge, version: `v${i}` })) };
    },
  });

  const aliasesOf = (artifact: StoredArtifact) =>
    [...artifact.collection.aliases]
      .filter(([, at]) => at === artifact)
      .map(([alias]) => ({
        id: `alias:${artifact.collection.name}:${alias}`,
        alias,
        artifactCollectionName: artifact.collection.name,
        artifactCollection: collectionOf(artifact.collection),
      }));

  const membershipOf = (artifact: StoredArtifact): object => ({
    __typename: 'ArtifactCollectionMembership',
    id: `membership:${artifact.id}`,
    createdAt: artifact.createdAt,
    versionIndex: artifact.versionIndex,
    aliases: () => aliasesOf(artifact),
    artifactCollection: () => collectionOf(artifact.collection),
    artifact: () => artifactOf(artifact),
    files: (page: Page & { names?: string[] }) => filesOf(artifact, page),
  });

  function filesOf(artifact: StoredArtifact, { names, ...page }: Page & { names?: string[] }) {
    const files = [...artifact.entries].filter(([name]) => !names || names.includes(name));
    return connection(
      files.map(([name, entry]) => {
        const born = state.artifacts.get(entry.birthArtifactID ?? '') ?? artifact;
        return file(name, born.files.get(name)?.key ?? artifact.files.get(name)!.key);
      }),
      page,
    );
  }

  const artifactOf = (artifact: StoredArtifact): object => ({
    id: artifact.id,
    artifactSequence: () => collectionOf(artifact.collection),
    artifactType: { id: `type:${artifact.collection.type}`, name: artifact.collection.type },
    artifactMemberships: () => ({ edges: [{ node: membershipOf(artifact) }] }),
    versionIndex: artifact.versionIndex,
    description: artifact.description,
    metadata: artifact.metadata,
    ttlDurationSeconds: -2,
    ttlIsInherited: true,
    tags: [],
    historyStep: null,
    state: artifact.state,
    size: [...artifact.entries.values()].reduce((sum, { size }) => sum + size, 0),
    digest: artifact.digest,
    digestAlgorithm: 'MANIFEST_MD5',
    commitHash: artifact.digest.slice(0, 20),
    fileCount: artifact.entries.size,
    createdAt: artifact.createdAt,
    updatedAt: artifact.createdAt,
    aliases: () => aliasesOf(artifact),
    currentManifest: () =>
      artifact.manifest && {
        id: artifact.manifest.id,
        digest: artifact.manifest.digest,
        file: file('wandb_manifest.json', artifact.manifest.key),
      },
    files: (page: Page & { names?: string[] }) => filesOf(artifact, page),
    filesByManifestEntries: ({ entries }: { entries?: { name: string }[] }) =>
      filesOf(artifact, { names: entries?.map(({ name }) => name), first: 10_000 }),
    createdBy: () => (artifact.run ? runOf(artifact.run) : null),
    usedBy: () =>
      connection(
        [...artifact.collection.project.runs.values()].filter((run) => run.used.has(artifact)).map(runOf),
        {},
      ),
  });

  return {
    file,
    runOf,
    artifactOf,
    query: {
      viewer,
      serverInfo: (_: Args) => ({
        features: [],
        cliVersionInfo: { max_cli_version: '9.9.9', min_cli_version: '0.1.0' },
        latestLocalVersionInfo: null,
      }),
      entity: (args: Named) => ({
        id: nameOf(args),
        name: nameOf(args),
        isTeam: true,
        organization: null,
        user: null,
      }),
      project: (args: { name: string; entityName?: string }) =>
        projectOf(state.project(args.entityName || 'chemists', args.name)),
      model: (args: { name: string; entityName?: string }) =>
        projectOf(state.project(args.entityName || 'chemists', args.name)),
      artifact: ({ id }: { id: string }) => artifactOf(state.artifact(id)),
      clientIDMapping: ({ clientID }: { clientID: string }) => {
        const serverID = state.clientIds.get(clientID);
        return serverID ? { serverID } : null;
      },
    },
  };
}
