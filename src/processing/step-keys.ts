import type { MoleculeCaps, SourceReading, SourceSpec, Standardisation } from '../contracts';
import { ruleSetName } from '../contracts';
import type { StepKey } from '../objects';
import { mappingOf } from './source-mapping';

/** Everything the standardised rows of a source depend on. */
export interface StandardiseInputs {
  /** sha256 of the raw bytes. */
  readonly sourceSha256: string;
  readonly source: SourceSpec;
  readonly reading: SourceReading;
  readonly caps: MoleculeCaps;
  readonly standardisation: Standardisation;
  /** RDKit's version. */
  readonly rdkit: string;
  /** Records a part. */
  readonly partRows: number;
}

/** Key of a whole source. Where the bytes are and what the source is called are no part of it. */
export function sourceKey(inputs: StandardiseInputs): StepKey {
  const { sourceSha256, source, reading, caps, standardisation, rdkit, partRows } = inputs;
  return {
    inputs: { raw: sourceSha256 },
    parameters: { reading, mapping: mappingOf(source), caps, isotopes: standardisation.isotopes, partRows },
    runtime: { rdkit, ruleSet: ruleSetName(standardisation) },
  };
}

/** Key of one part of it. @param part 0-based */
export function partKey(inputs: StandardiseInputs, part: number): StepKey {
  const key = sourceKey(inputs);
  return { ...key, parameters: { ...(key.parameters as object), part } };
}
