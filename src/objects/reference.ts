import type { ArtifactRef } from '../contracts';

/** A reference names no place, so that one written into another artifact reads the same on every machine and in every store. */
export const referenceTo = (sha256: string, bytes: number, mediaType: string): ArtifactRef => ({
  uri: `sha256:${sha256}`,
  sha256,
  bytes,
  mediaType,
});
