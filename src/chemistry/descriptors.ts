/**
 * The 43 descriptors of RDKit's `Properties` in its own order (RDKit, Code/GraphMol/Descriptors/Property.cpp): the columns
 * of the featurizer `descriptors`. The order is part of what a trained model means; never reorder.
 * Masses in Da, areas in Å², molar refractivity in m³/mol (Crippen's scale), counts and indices without unit.
 */
export const DESCRIPTOR_NAMES = [
  'exactmw',
  'amw',
  'lipinskiHBA',
  'lipinskiHBD',
  'NumRotatableBonds',
  'NumHBD',
  'NumHBA',
  'NumHeavyAtoms',
  'NumAtoms',
  'NumHeteroatoms',
  'NumAmideBonds',
  'FractionCSP3',
  'NumRings',
  'NumAromaticRings',
  'NumAliphaticRings',
  'NumSaturatedRings',
  'NumHeterocycles',
  'NumAromaticHeterocycles',
  'NumSaturatedHeterocycles',
  'NumAliphaticHeterocycles',
  'NumSpiroAtoms',
  'NumBridgeheadAtoms',
  'NumAtomStereoCenters',
  'NumUnspecifiedAtomStereoCenters',
  'labuteASA',
  'tpsa',
  'CrippenClogP',
  'CrippenMR',
  'chi0v',
  'chi1v',
  'chi2v',
  'chi3v',
  'chi4v',
  'chi0n',
  'chi1n',
  'chi2n',
  'chi3n',
  'chi4n',
  'hallKierAlpha',
  'kappa1',
  'kappa2',
  'kappa3',
  'Phi',
] as const;

const FLOAT32_MAX = 3.4028234663852886e38;

/**
 * RDKit's descriptor JSON as float32, one value a name in the order of DESCRIPTOR_NAMES. A value that is not a number
 * (RDKit writes null for NaN) becomes 0, one beyond float32 its largest value: no NaN or infinity ever reaches a model.
 * @throws Error when a name is missing: then this is not the RDKit that the names were taken from.
 */
export function descriptorRow(json: string): Float32Array {
  const values = JSON.parse(json) as Record<string, number | null>;
  return Float32Array.from(DESCRIPTOR_NAMES, (name) => {
    const value = values[name];
    if (value === undefined) throw new Error(`RDKit has no descriptor '${name}'`);
    return value === null || Number.isNaN(value) ? 0 : Math.max(-FLOAT32_MAX, Math.min(FLOAT32_MAX, value));
  });
}
