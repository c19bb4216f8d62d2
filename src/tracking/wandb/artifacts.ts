import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type {
  ArtifactDigestAlgorithm,
  ArtifactManifestType,
  ArtifactStorageLayout,
} from '@wandb/sdk/dist/gql/graphql';
import { TitrateError, type TrackedArtifact, type TrackedArtifactName } from '../../contracts';
import type { ObjectStore } from '../../objects';
import { isVersionAlias } from '../names';
import type { ArtifactThere } from '../tracker';
import type { WandbApi, WandbConnection } from './api';
import { manifestDigest, manifestJson, manifestNames, type ManifestFile } from './manifest';
import * as operations from './operations';
import type { ArtifactFound } from './operations';

const MANIFEST_FILE = 'wandb_manifest.json';
/** Files asked for at once. */
const FILES_PAGE = 100;
/** W&B's clients name each artifact they make by this many random characters. */
const CLIENT_ID_BYTES = 64;

/**
 * Artifacts of one project. A version is made in steps (artifact, manifest, files, manifest again, commit) and exists only once it is
 * committed; what was cut off before that is made anew, and one that was committed unseen is found by its version alias or its digest.
 */
export function createWandbArtifacts(connection: WandbConnection, api: WandbApi, objects: ObjectStore) {
  const { entity, project } = connection;
  const inProject = { entity, project };
  const where = `${connection.baseUrl}, ${entity}/${project}`;

  async function find(collection: string, alias: string, signal: AbortSignal): Promise<ArtifactFound | null> {
    const name = `${collection}:${alias}`;
    return (await api.call(operations.ARTIFACT, { ...inProject, name }, signal)).project?.artifact ?? null;
  }

  async function manifestFiles(artifact: TrackedArtifact): Promise<ManifestFile[]> {
    const files: ManifestFile[] = [];
    for (const { name, content } of artifact.files) {
      const hash = createHash('md5');
      for await (const chunk of (await objects.openRead(content)) as AsyncIterable<Buffer>)
        hash.update(chunk);
      files.push({ name, digest: hash.digest('base64'), size: content.bytes });
    }
    return files;
  }

  async function make(artifact: TrackedArtifact, signal: AbortSignal): Promise<void> {
    const files = await manifestFiles(artifact);
    const alias = { artifactCollectionName: artifact.collection, alias: artifact.version };
    const { createArtifact } = await api.call(
      operations.CREATE_ARTIFACT,
      {
        input: {
          entityName: entity,
          projectName: project,
          runName: artifact.runId,
          artifactTypeName: artifact.type,
          artifactCollectionName: artifact.collection,
          digest: manifestDigest(files),
          digestAlgorithm: 'MANIFEST_MD5' as ArtifactDigestAlgorithm,
          description: artifact.description,
          metadata: JSON.stringify(artifact.metadata),
          aliases: [alias],
          clientID: randomBytes(CLIENT_ID_BYTES).toString('hex'),
          sequenceClientID: randomBytes(CLIENT_ID_BYTES).toString('hex'),
          enableDigestDeduplication: true,
        },
      },
      signal,
    );
    const made = createArtifact?.artifact;
    if (!made) throw refused('createArtifact');
    if ((made.state as string) !== 'COMMITTED') await fill(artifact, made.id, files, signal);
    if (!(await find(artifact.collection, artifact.version, signal)))
      await addAlias(made.id, artifact.collection, artifact.version, signal);
  }

  async function fill(
    artifact: TrackedArtifact,
    artifactID: string,
    files: readonly ManifestFile[],
    signal: AbortSignal,
  ): Promise<void> {
    const manifest = (digest: string, upload: boolean) =>
      api.call(
        operations.CREATE_MANIFEST,
        {
          input: {
            artifactID,
            name: MANIFEST_FILE,
            digest,
            entityName: entity,
            projectName: project,
            runName: artifact.runId,
            type: 'FULL' as ArtifactManifestType,
          },
          upload,
        },
        signal,
      );
    const first = await manifest('', false);
    const artifactManifestID = first.createArtifactManifest?.artifactManifest.id;
    if (!artifactManifestID) throw refused('createArtifactManifest');

    const births = new Map<string, string>();
    for (let from = 0; from < files.length; from += FILES_PAGE) {
      const page = files.slice(from, from + FILES_PAGE);
      const { createArtifactFiles } = await api.call(
        operations.CREATE_FILES,
        {
          input: {
            artifactFiles: page.map(({ name, digest }) => ({
              artifactID,
              name,
              md5: digest,
              artifactManifestID,
            })),
            storageLayout: 'V2' as ArtifactStorageLayout,
          },
        },
        signal,
      );
      const edges = createArtifactFiles?.files.edges ?? [];
      if (edges.length !== page.length) throw refused('createArtifactFiles');
      for (const [i, { name }] of page.entries()) {
        const node = edges[i]!.node;
        if (!node?.artifact) throw refused('createArtifactFiles');
        births.set(name, node.artifact.id);
        if (node.uploadUrl === null) continue;
        const { content } = artifact.files.find((file) => file.name === name)!;
        const body = { bytes: content.bytes, open: () => objects.openRead(content) };
        await api.upload(node.uploadUrl, node.uploadHeaders ?? [], body, signal);
      }
    }

    const bytes = manifestJson(files, births);
    const second = await manifest(createHash('md5').update(bytes).digest('base64'), true);
    const file = second.createArtifactManifest?.artifactManifest.file;
    if (!file?.uploadUrl) throw refused('createArtifactManifest');
    const body = { bytes: bytes.length, open: () => Promise.resolve(Readable.from([bytes])) };
    await api.upload(file.uploadUrl, file.uploadHeaders ?? [], body, signal);
    await api.call(operations.COMMIT, { input: { artifactID } }, signal);
  }

  async function addAlias(artifactID: string, collection: string, alias: string, signal: AbortSignal) {
    const aliases = [{ entityName: entity, projectName: project, artifactCollectionName: collection, alias }];
    await api.call(operations.ADD_ALIASES, { input: { artifactID, aliases } }, signal);
  }

  async function text(url: string, signal: AbortSignal): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await api.download(url, signal)) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  /** Downloads every file: what W&B says of them is not what is being asked. */
  async function filesOf(found: ArtifactFound, signal: AbortSignal): Promise<ArtifactThere['files']> {
    const url = found.currentManifest?.file.directUrl;
    if (!url) return [];
    const names = manifestNames(await text(url, signal));
    const files: { name: string; sha256: string; bytes: number }[] = [];
    for (let from = 0; from < names.length; from += FILES_PAGE) {
      const page = { id: found.id, names: names.slice(from, from + FILES_PAGE) };
      const answer = await api.call(operations.ARTIFACT_FILES, page, signal);
      for (const { node } of answer.artifact?.files.edges ?? []) {
        if (!node) continue;
        const hash = createHash('sha256');
        let bytes = 0;
        for await (const chunk of await api.download(node.directUrl, signal)) {
          hash.update(chunk);
          bytes += chunk.length;
        }
        files.push({ name: node.name, sha256: hash.digest('hex'), bytes });
      }
    }
    return files;
  }

  const refused = (what: string) =>
    new TitrateError('unavailable', { what: `W&B's answer to ${what} lacks what it should hold`, where });

  return {
    async putArtifact(artifact: TrackedArtifact, signal: AbortSignal): Promise<void> {
      const found = await find(artifact.collection, artifact.version, signal);
      if (!found) return make(artifact, signal);
      const digest = manifestDigest(await manifestFiles(artifact));
      if (found.digest === digest) return;
      throw new TitrateError('contradiction', {
        what: `'${artifact.version}' of ${artifact.collection} holds something else there (digest ${found.digest}, ours ${digest})`,
        where,
        remedy: 'Remove the alias in W&B, or track into another project (tracking.project)',
      });
    },

    async artifact(name: TrackedArtifactName, signal: AbortSignal): Promise<ArtifactThere | null> {
      const found = await find(name.collection, name.version, signal);
      if (!found || (found.state as string) !== 'COMMITTED') return null;
      const metadata = JSON.parse((found.metadata as string | null) ?? '{}') as ArtifactThere['metadata'];
      return { ...name, type: found.artifactType.name, metadata, files: await filesOf(found, signal) };
    },

    async moveAlias(name: TrackedArtifactName, alias: string, signal: AbortSignal): Promise<void> {
      const found = await find(name.collection, name.version, signal);
      if (!found) {
        throw new TitrateError('not-found', {
          what: `there is no ${name.version} of ${name.collection}`,
          where,
        });
      }
      await addAlias(found.id, name.collection, alias, signal);
    },

    async aliased(collection: string, alias: string, signal: AbortSignal): Promise<string | null> {
      const found = await find(collection, alias, signal);
      return found?.aliases.map((entry) => entry.alias).find(isVersionAlias) ?? null;
    },
  };
}
