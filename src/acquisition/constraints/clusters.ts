/** Number of set bits of each 16-bit word. */
const BITS = Uint8Array.from({ length: 1 << 16 }, (_, word) => {
  let bits = 0;
  for (let left = word; left > 0; left &= left - 1) bits++;
  return bits;
});

const bitsOf = (word: number): number => BITS[word & 0xffff]! + BITS[word >>> 16]!;

/** Tanimoto similarity of two fingerprints, packed; 1 for two empty ones. */
export function tanimoto(a: Uint32Array, b: Uint32Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += bitsOf(a[i]! & b[i]!);
    either += bitsOf(a[i]! | b[i]!);
  }
  return either === 0 ? 1 : both / either;
}

/** @param base64 packed bits, a multiple of 32 of them */
export function unpackFingerprint(base64: string): Uint32Array {
  const bytes = Buffer.from(base64, 'base64');
  const words = new Uint32Array(bytes.length / 4);
  for (let i = 0; i < words.length; i++) words[i] = bytes.readUInt32LE(4 * i);
  return words;
}

interface Member {
  readonly fingerprint: Uint32Array;
  readonly bits: number;
  /** Picks near it, itself included. */
  near: number;
}

const countBits = (fingerprint: Uint32Array) => fingerprint.reduce((sum, word) => sum + bitsOf(word), 0);

/**
 * Picks near one another within a batch: none has more than `most` picks near it, itself included; with `most` 1 that is sphere
 * exclusion (Hudson et al. 1996, Quant. Struct.-Act. Relat. 15, 285). Whether a set of picks is allowed does not depend on their order.
 */
export class Neighbourhoods {
  private readonly members: Member[] = [];

  constructor(
    private readonly most: number,
    private readonly similarity: number,
  ) {}

  fits(fingerprint: Uint32Array): boolean {
    const bits = countBits(fingerprint);
    let near = 1;
    for (const member of this.members) {
      if (!this.isNear(member, fingerprint, bits)) continue;
      if (++near > this.most || member.near >= this.most) return false;
    }
    return true;
  }

  take(fingerprint: Uint32Array): void {
    const bits = countBits(fingerprint);
    const near = this.members.filter((member) => this.isNear(member, fingerprint, bits));
    for (const member of near) member.near++;
    this.members.push({ fingerprint, bits, near: near.length + 1 });
  }

  /** The similarity is at most the share of the smaller number of bits in the larger one: most pairs end there. */
  private isNear(member: Member, fingerprint: Uint32Array, bits: number): boolean {
    const [small, large] = bits < member.bits ? [bits, member.bits] : [member.bits, bits];
    if (small < this.similarity * large) return false;
    return tanimoto(member.fingerprint, fingerprint) >= this.similarity;
  }
}
