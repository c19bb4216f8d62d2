import { createHash, randomBytes } from 'node:crypto';

export interface StoredRun {
  readonly id: string;
  readonly project: StoredProject;
  readonly name: string;
  displayName: string;
  group: string | null;
  jobType: string | null;
  tags: string[];
  notes: string | null;
  description: string | null;
  config: Record<string, unknown>;
  /** Lines of wandb-history.jsonl by offset, as they were streamed. */
  readonly history: string[];
  summary: Record<string, unknown>;
  state: 'running' | 'finished' | 'failed';
  /** Storage key of every file of the run. */
  readonly files: Map<string, string>;
  readonly createdAt: string;
  readonly used: Set<StoredArtifact>;
}

export interface StoredProject {
  readonly id: string;
  /** What the Python client reads as a number. */
  readonly internalId: string;
  readonly entity: string;
  readonly name: string;
  readonly runs: Map<string, StoredRun>;
  readonly collections: Map<string, StoredCollection>;
}

export interface StoredCollection {
  readonly id: string;
  readonly project: StoredProject;
  readonly name: string;
  readonly type: string;
  /** Committed versions, by index. */
  readonly versions: StoredArtifact[];
  /** Every artifact ever created in it, also those never committed. */
  readonly created: StoredArtifact[];
  readonly aliases: Map<string, StoredArtifact>;
  readonly createdAt: string;
}

export interface ManifestEntry {
  readonly digest: string;
  readonly size: number;
  readonly birthArtifactID?: string;
}

export interface StoredArtifact {
  readonly id: string;
  readonly collection: StoredCollection;
  readonly digest: string;
  readonly run: StoredRun | null;
  readonly description: string | null;
  readonly metadata: string | null;
  readonly clientId: string | null;
  readonly wantedAliases: string[];
  state: 'PENDING' | 'COMMITTED';
  versionIndex: number | null;
  manifest: { readonly id: string; readonly digest: string; readonly key: string } | null;
  /** Storage key of each file announced for it, and the md5 announced (base64). */
  readonly files: Map<string, { readonly key: string; readonly md5: string }>;
  entries: Map<string, ManifestEntry>;
  readonly createdAt: string;
}

export const md5Base64 = (data: Uint8Array) => createHash('md5').update(data).digest('base64');
const newId = (kind: string) => Buffer.from(`${kind}:${randomBytes(8).toString('hex')}`).toString('base64');
const now = () => new Date().toISOString();

/** Something the client did that W&B would refuse; it reaches the client as a GraphQL error. */
export class Refused extends Error {}

/** Everything the server knows. It outlives the listening socket, as a real server's database does. */
export class WandbState {
  readonly projects = new Map<string, StoredProject>();
  readonly artifacts = new Map<string, StoredArtifact>();
  readonly storage = new Map<string, Buffer>();
  readonly clientIds = new Map<string, string>();

  project(entity: string, name: string): StoredProject {
    const key = `${entity}/${name}`;
    let project = this.projects.get(key);
    if (!project) {
      project = {
        id: newId('Project'),
        internalId: String(this.projects.size + 1),
        entity,
        name,
        runs: new Map(),
        collections: new Map(),
      };
      this.projects.set(key, project);
    }
    return project;
  }

  upsertRun(project: StoredProject, name: string): { run: StoredRun; inserted: boolean } {
    const known = project.runs.get(name);
    if (known) return { run: known, inserted: false };
    const run: StoredRun = {
      id: newId('Run'),
      project,
      name,
      displayName: name,
      group: null,
      jobType: null,
      tags: [],
      notes: null,
      description: null,
      config: {},
      history: [],
      summary: {},
      state: 'running',
      files: new Map(),
      createdAt: now(),
      used: new Set(),
    };
    project.runs.set(name, run);
    return { run, inserted: true };
  }

  collection(project: StoredProject, name: string, type: string): StoredCollection {
    let collection = project.collections.get(name);
    if (!collection) {
      collection = {
        id: newId('ArtifactCollection'),
        project,
        name,
        type,
        versions: [],
        created: [],
        aliases: new Map(),
        createdAt: now(),
      };
      project.collections.set(name, collection);
    }
    if (collection.type !== type)
      throw new Refused(`collection ${name} holds artifacts of type ${collection.type}`);
    return collection;
  }

  /** A committed version with the digest is that version again; whatever was not committed is made anew. */
  createArtifact(
    collection: StoredCollection,
    given: Pick<StoredArtifact, 'digest' | 'run' | 'description' | 'metadata' | 'clientId' | 'wantedAliases'>,
    deduplicate: boolean,
  ): StoredArtifact {
    const same = deduplicate && collection.versions.find((version) => version.digest === given.digest);
    if (same) {
      for (const alias of given.wantedAliases) collection.aliases.set(alias, same);
      return same;
    }
    const artifact: StoredArtifact = {
      ...given,
      id: newId('Artifact'),
      collection,
      state: 'PENDING',
      versionIndex: null,
      manifest: null,
      files: new Map(),
      entries: new Map(),
      createdAt: now(),
    };
    collection.created.push(artifact);
    this.artifacts.set(artifact.id, artifact);
    if (artifact.clientId) this.clientIds.set(artifact.clientId, artifact.id);
    return artifact;
  }

  artifact(id: string): StoredArtifact {
    const artifact = this.artifacts.get(id);
    if (!artifact) throw new Refused(`no artifact ${id}`);
    return artifact;
  }

  /** Makes a version of it, if all of it is there and is what its digest says. */
  commit(artifact: StoredArtifact): void {
    if (artifact.state === 'COMMITTED') return;
    const manifest = artifact.manifest && this.storage.get(artifact.manifest.key);
    if (!artifact.manifest || !manifest) throw new Refused('the manifest was not uploaded');
    if (md5Base64(manifest) !== artifact.manifest.digest)
      throw new Refused('the manifest is not what its digest says');
    const { contents, version } = JSON.parse(manifest.toString('utf8')) as {
      version: number;
      contents: Record<string, ManifestEntry>;
    };
    if (version !== 1) throw new Refused(`manifest version ${version}`);
    const lines = Object.keys(contents)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((name) => `${name}:${contents[name]!.digest}\n`);
    const digest = createHash('md5')
      .update(`wandb-artifact-manifest-v1\n${lines.join('')}`)
      .digest('hex');
    if (digest !== artifact.digest)
      throw new Refused(`the digest is ${artifact.digest}, the manifest's ${digest}`);
    for (const [name, entry] of Object.entries(contents)) {
      const bytes = this.fileOf(artifact, name, entry);
      if (!bytes || md5Base64(bytes) !== entry.digest || bytes.length !== entry.size)
        throw new Refused(`${name} was not uploaded whole`);
    }
    artifact.entries = new Map(Object.entries(contents));
    artifact.state = 'COMMITTED';
    artifact.versionIndex = artifact.collection.versions.push(artifact) - 1;
    for (const alias of ['latest', ...artifact.wantedAliases])
      artifact.collection.aliases.set(alias, artifact);
  }

  /** The bytes of a file of an artifact, where it or the version that first had it keeps them. */
  fileOf(artifact: StoredArtifact, name: string, entry: ManifestEntry): Buffer | undefined {
    const born = entry.birthArtifactID ? this.artifacts.get(entry.birthArtifactID) : artifact;
    const file = (born ?? artifact).files.get(name) ?? artifact.files.get(name);
    return file && this.storage.get(file.key);
  }

  /** `collection:alias`, `collection:v3` or `collection` for the latest. */
  named(project: StoredProject, name: string): StoredArtifact | null {
    const [collectionName, alias = 'latest'] = name.split(':') as [string, string?];
    const collection = project.collections.get(collectionName);
    if (!collection) return null;
    const index = /^v(\d+)$/.exec(alias)?.[1];
    return (index === undefined ? collection.aliases.get(alias) : collection.versions[Number(index)]) ?? null;
  }
}
