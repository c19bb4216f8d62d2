import type { ScreenedMolecule } from './screen';
import { unpackFingerprint } from './clusters';
import type { MoleculeRule } from './molecule-rules';

/** Molecules of one chunk of fingerprints: chunks are added as they fill, so that nothing is copied. */
const CHUNK_ROWS = 4096;

/** How many molecules a rule takes out, and how many it alone does. */
export interface Tally {
  readonly rule: string;
  takenOut: number;
  alone: number;
}

/**
 * The pool held against the rules about single molecules, column by column: a million molecules with fingerprints take some 600 MB.
 * Fingerprints and scaffolds are kept of candidates that no rule takes out.
 */
export class MoleculeTable {
  private readonly rows = new Map<string, number>();
  /** Of each row the combination of rules that it breaks; 0: none. */
  private readonly broken: number[] = [];
  private readonly combinations: (readonly number[])[] = [[]];
  private readonly combinationOf = new Map<string, number>([['', 0]]);
  private readonly kept = new Map<string, number>();
  private readonly scaffolds: number[] = [];
  private readonly scaffoldOf = new Map<string, number>();
  private readonly fingerprints: Uint32Array[] = [];
  private words = 0;
  readonly tallies: readonly Tally[];
  candidates = 0;
  /** Molecules that keep every rule and are no candidates (any more): measured, at the lab, failed. */
  usedUp = 0;

  constructor(private readonly rules: readonly MoleculeRule[]) {
    this.tallies = rules.map(({ name }) => ({ rule: name, takenOut: 0, alone: 0 }));
  }

  /** Each molecule once. @param isCandidate whether it may still be proposed */
  add(molecule: ScreenedMolecule, isCandidate: boolean): void {
    const broken = this.rules.flatMap((rule, index) => (rule.breaks(molecule) ? [index] : []));
    this.rows.set(molecule.moleculeId, this.broken.push(this.combination(broken)) - 1);
    if (!isCandidate) {
      if (broken.length === 0) this.usedUp++;
      return;
    }
    this.candidates++;
    for (const index of broken) this.tallies[index]!.takenOut++;
    if (broken.length === 1) this.tallies[broken[0]!]!.alone++;
    if (broken.length === 0) this.keep(molecule);
  }

  private combination(broken: readonly number[]): number {
    const key = broken.join();
    const known = this.combinationOf.get(key);
    if (known !== undefined) return known;
    this.combinationOf.set(key, this.combinations.push(broken) - 1);
    return this.combinations.length - 1;
  }

  private keep({ moleculeId, scaffold, fingerprint }: ScreenedMolecule): void {
    const place = this.kept.size;
    this.kept.set(moleculeId, place);
    if (scaffold !== undefined) this.scaffolds.push(scaffold ? this.scaffoldNumber(scaffold) : -1);
    if (fingerprint === undefined) return;
    const unpacked = unpackFingerprint(fingerprint);
    this.words = unpacked.length;
    if (place % CHUNK_ROWS === 0) this.fingerprints.push(new Uint32Array(CHUNK_ROWS * this.words));
    this.fingerprints.at(-1)!.set(unpacked, (place % CHUNK_ROWS) * this.words);
  }

  private scaffoldNumber(scaffold: string): number {
    const known = this.scaffoldOf.get(scaffold);
    if (known !== undefined) return known;
    this.scaffoldOf.set(scaffold, this.scaffoldOf.size);
    return this.scaffoldOf.size - 1;
  }

  /** Whether it is of the pool. */
  has(moleculeId: string): boolean {
    return this.rows.has(moleculeId);
  }

  /** Candidates that keep every rule about single molecules. */
  get admitted(): number {
    return this.kept.size;
  }

  admits(moleculeId: string): boolean {
    return this.kept.has(moleculeId);
  }

  admittedIds(): Iterable<string> {
    return this.kept.keys();
  }

  /** Names of the rules about single molecules that it breaks. */
  brokenBy(moleculeId: string): readonly string[] {
    const row = this.rows.get(moleculeId);
    if (row === undefined) return [];
    return this.combinations[this.broken[row]!]!.map((index) => this.rules[index]!.name);
  }

  /** A number that molecules with the same scaffold share; -1 for none. Of admitted molecules. */
  scaffold(moleculeId: string): number {
    return this.scaffolds[this.kept.get(moleculeId)!] ?? -1;
  }

  /** Of admitted molecules; empty where none was asked for. */
  fingerprint(moleculeId: string): Uint32Array {
    const place = this.kept.get(moleculeId)!;
    const chunk = this.fingerprints[Math.floor(place / CHUNK_ROWS)];
    const at = (place % CHUNK_ROWS) * this.words;
    return chunk ? chunk.subarray(at, at + this.words) : new Uint32Array(0);
  }
}
