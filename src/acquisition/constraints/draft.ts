import { TitrateError } from '../../contracts';
import { batchRules, type BatchRuleParts, type Refusal } from './batch-rules';
import type { BatchDraft } from './rules';

/** A batch in the making, held against every rule. */
export class Draft implements BatchDraft {
  private readonly rules;
  private readonly taken = new Set<string>();

  constructor(
    private readonly parts: BatchRuleParts,
    readonly size: number,
    readonly required: readonly string[],
  ) {
    this.rules = batchRules(parts);
  }

  fits(moleculeId: string): boolean {
    return (
      this.taken.size < this.size &&
      !this.taken.has(moleculeId) &&
      this.parts.table.admits(moleculeId) &&
      this.refusal(moleculeId) === null
    );
  }

  /** The first rule about whole batches that refuses an admitted molecule, places aside. */
  refusal(moleculeId: string): Refusal | null {
    for (const rule of this.rules) {
      const refusal = rule.refusal(moleculeId);
      if (refusal) return refusal;
    }
    return null;
  }

  whyNot(moleculeId: string): string | null {
    const { table } = this.parts;
    if (this.taken.has(moleculeId)) return 'it is in the batch already';
    if (!table.admits(moleculeId)) {
      const broken = table.brokenBy(moleculeId);
      if (broken.length) return `it breaks: ${broken.join('; ')}`;
      return table.has(moleculeId) ? 'it may not be proposed any more' : 'it is not in the pool';
    }
    const refusal = this.refusal(moleculeId);
    if (refusal) return refusal.words;
    return this.taken.size < this.size ? null : `the batch has all its ${this.size} molecules`;
  }

  take(moleculeId: string): void {
    if (!this.fits(moleculeId)) {
      throw new TitrateError('internal', {
        what: `${moleculeId} was taken into a batch that it does not fit: ${this.whyNot(moleculeId)}`,
        where: 'batch rules',
      });
    }
    for (const rule of this.rules) rule.take(moleculeId);
    this.taken.add(moleculeId);
  }
}

/** Those of the required molecules that a batch has room for, in their order; the others wait for a later one. */
export function requiredIn(parts: BatchRuleParts, size: number, wanted: readonly string[]): string[] {
  const trial = new Draft(parts, size, []);
  return wanted.filter((moleculeId) => {
    if (!trial.fits(moleculeId)) return false;
    trial.take(moleculeId);
    return true;
  });
}
