export type {
  Chemistry,
  PreparedMolecule,
  ScreenOutcome,
  ScreenSpec,
  StandardiseOutcome,
  StructureInput,
} from './chemistry';
export type { FeatureRow } from './feature-row';
export { createChemistry, type ChemistryOptions } from './rdkit-chemistry';
export { rdkitVersion } from './rdkit-module';
export { moleculeId } from './identity';
export { DESCRIPTOR_NAMES } from './descriptors';
export { featureShape, type FeatureShape } from './featurize';
export { decodeFeatureMatrix, encodeFeatureMatrix, featureMatrix, matrixOfRows } from './feature-matrix';
export { DEFAULT_DEPICT_SIZE, type DepictSize } from './depict';
export { SCREEN_FINGERPRINT_BITS } from './screening';
