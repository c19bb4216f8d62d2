"""Fingerprints and descriptors of a list of SMILES, by RDKit."""

import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem import Descriptors
from rdkit.Chem import rdFingerprintGenerator as generators
from scipy import sparse

RDLogger.DisableLog("rdApp.*")

MORGAN_COLUMNS = 2048
# Larger values of a standardised descriptor say no more, and some descriptors overflow.
DESCRIPTOR_LIMIT = 10.0


def molecules(smiles):
    parsed = [Chem.MolFromSmiles(text) for text in smiles]
    bad = [text for text, molecule in zip(smiles, parsed) if molecule is None]
    if bad:
        raise SystemExit(f"RDKit cannot read {len(bad)} SMILES, the first is {bad[0]}")
    return parsed


def morgan(mols, radius=2, counts=False):
    """float32 array (molecules, 2048): bits, or how often each environment occurs."""
    generator = generators.GetMorganGenerator(radius=radius, fpSize=MORGAN_COLUMNS)
    vector = generator.GetCountFingerprintAsNumPy if counts else generator.GetFingerprintAsNumPy
    return np.stack([vector(mol) for mol in mols]).astype(np.float32)


def descriptors(mols):
    """float64 array (molecules, RDKit's 2D descriptors); 0 where one is not finite."""
    rows = [[function(mol) for _, function in Descriptors.descList] for mol in mols]
    return np.nan_to_num(np.array(rows, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def standardise(values, train):
    """Descriptors of all rows in standard deviations of the training rows; constant ones become 0."""
    mean, deviation = values[train].mean(0), values[train].std(0)
    scaled = np.where(deviation > 1e-9, (values - mean) / np.maximum(deviation, 1e-9), 0.0)
    return np.clip(scaled, -DESCRIPTOR_LIMIT, DESCRIPTOR_LIMIT).astype(np.float32)


def unary_counts(mols):
    """Sparse matrix of Morgan (radius 3) and atom-pair counts, unfolded, in unary: column (environment, k) is 1 where the
    environment occurs at least k times. A dot product of two rows is then the sum of the lesser counts."""
    parts = [generators.GetMorganGenerator(radius=3), generators.GetAtomPairGenerator()]
    columns, indices, starts = {}, [], [0]
    for mol in mols:
        for part, generator in enumerate(parts):
            for key, count in generator.GetSparseCountFingerprint(mol).GetNonzeroElements().items():
                indices.extend(columns.setdefault((part, key, k), len(columns)) for k in range(count))
        starts.append(len(indices))
    ones = np.ones(len(indices), dtype=np.float32)
    return sparse.csr_matrix((ones, indices, starts), shape=(len(mols), len(columns)))
