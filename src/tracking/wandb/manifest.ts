import { createHash } from 'node:crypto';

/** One file of an artifact as its manifest has it. */
export interface ManifestFile {
  readonly name: string;
  /** md5 of the bytes, base64. */
  readonly digest: string;
  readonly size: number;
}

/** How W&B names the content of an artifact: md5 over its files' names and digests, in the order of the names' code points. */
export function manifestDigest(files: readonly Pick<ManifestFile, 'name' | 'digest'>[]): string {
  const hash = createHash('md5').update('wandb-artifact-manifest-v1\n');
  const inOrder = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  for (const { name, digest } of inOrder) hash.update(`${name}:${digest}\n`);
  return hash.digest('hex');
}

/** `wandb_manifest.json`: where each file is kept is told by the artifact that first had it. */
export function manifestJson(
  files: readonly ManifestFile[],
  birthArtifacts: ReadonlyMap<string, string>,
): Buffer {
  const contents = Object.fromEntries(
    files.map(({ name, digest, size }) => [
      name,
      { digest, birthArtifactID: birthArtifacts.get(name), size },
    ]),
  );
  return Buffer.from(
    JSON.stringify({
      version: 1,
      storagePolicy: 'wandb-storage-policy-v1',
      storagePolicyConfig: { storageLayout: 'V2' },
      contents,
    }),
  );
}

/** Names in a manifest. @throws SyntaxError when it is not JSON. */
export function manifestNames(manifest: string): string[] {
  return Object.keys((JSON.parse(manifest) as { contents: object }).contents);
}
