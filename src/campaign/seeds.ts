/** Seeds are derived where no hash function may be imported: 32-bit FNV-1a over the parts, finished by murmur3's mixer. */
export const SEED_PURPOSES = { explore: 'explore', train: 'train', acquire: 'acquire' } as const;

export function roundSeed(
  seed: number,
  round: number,
  purpose: (typeof SEED_PURPOSES)[keyof typeof SEED_PURPOSES],
): number {
  let hash = 0x811c9dc5;
  for (const char of `${seed}/${round}/${purpose}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
