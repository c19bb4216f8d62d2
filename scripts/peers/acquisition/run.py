"""run.py FOLDER SEEDS METHODS: replays the scenario of a folder (see workspace.ts) by each method with each seed, comma-separated, and
writes what was picked beside it, with the CPU seconds of each cycle. With held-out molecules the exact Gaussian process learns from
every method's picks, and its errors are written too. Runs that are there are left alone. One thread."""

import csv
import json
import os
import sys
import time
from pathlib import Path

for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{name}_NUM_THREADS"] = "1"
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import numpy as np  # noqa: E402 (the number of threads is read at import)
from rdkit.Chem import rdFingerprintGenerator as generators  # noqa: E402
from scipy import sparse  # noqa: E402

import features  # noqa: E402
from kernel import Posterior, Similarities  # noqa: E402
from selection import METHODS  # noqa: E402

# MolPAL's forest reads these (Graff, Shakhnovich and Coley 2021).
FOREST_BITS = 2048
# Of the one data set of a run.
TABLES = {}
USES_KERNEL = {"gp-greedy", "gp-ei", "nipv", "k-center"}


def pair_bits(molecules):
    generator = generators.GetAtomPairGenerator(minDistance=1, maxDistance=3, fpSize=FOREST_BITS)
    rows = [list(generator.GetFingerprint(molecule).GetOnBits()) for molecule in molecules]
    starts = np.cumsum([0] + [len(row) for row in rows])
    columns = np.concatenate(rows).astype(np.int64)
    return sparse.csr_matrix((np.ones(len(columns), np.int8), columns, starts), shape=(len(rows), FOREST_BITS))


class State:
    """What a method may know: values of the measured rows, larger being better."""

    def __init__(self, pool, values, seed, first, several=None):
        self.unary, self.bits = pool
        self.values, self.seed = values, seed
        # All properties (molecules, properties), where there are several; larger is better, NaN where there is no value.
        self.several = several
        self.rng = np.random.default_rng(seed)
        self.measured = list(first)
        self.similarities = Similarities(self.unary)
        self.fitted = (0, None)

    @property
    def labelled(self):
        rows = np.array(self.measured)
        return rows[~np.isnan(self.values[rows])]

    def known(self, rows):
        return self.values[rows]

    def posterior(self):
        """Of all labels there are, fitted once."""
        rows = self.labelled
        if self.fitted[0] != len(rows):
            self.similarities.extend(rows.tolist())
            order = np.array(self.similarities.rows)
            self.fitted = (len(rows), Posterior(self.similarities.columns[order], self.values[order]))
        return self.fitted[1]

    def table(self):
        """Similarities of every molecule to every other, double, computed once for all seeds."""
        if "table" not in TABLES:
            everything = np.arange(len(self.values))
            TABLES["table"] = torch_double(self.similarities.to(everything))
        return TABLES["table"]

    def between(self, left, right):
        """Similarities, float32 (left, right)."""
        shared = (self.unary[left] @ self.unary[right].T).toarray()
        sums = self.similarities.sums
        return (shared / (sums[left][:, None] + sums[right][None] - shared)).astype(np.float32)


def torch_double(array):
    import torch

    return torch.tensor(array, dtype=torch.double)


def method_of(name):
    """Those for several properties bring PyTorch, which is read where they are asked for."""
    if name != "botorch-nehvi":
        return METHODS[name]
    import trade_offs

    return trade_offs.botorch_nehvi


def error_on(state, test):
    mean, _ = state.posterior().predict(state.similarities.columns[test])
    return float(np.sqrt(np.mean((mean - state.values[test]) ** 2)))


def replay(method, pool, values, protocol, rows, seed, several=None):
    state = State(pool, values, seed, rows["first"], several)
    test = np.array(rows["test"], int)
    candidates = np.setdiff1d(np.arange(len(values)), test)
    picked, seconds, errors = [rows["first"]], [], []
    for _ in range(protocol["rounds"]):
        if len(test):
            errors.append(error_on(state, test))
        started = time.process_time()
        rest = np.setdiff1d(candidates, state.measured)
        # Nothing can be learnt from values that are all the same.
        differ = len(set(state.known(state.labelled))) > 1
        name = method if differ or method == "k-center" else "random"
        if name in USES_KERNEL:
            state.similarities.extend(state.labelled.tolist())
        batch = method_of(name)(state, rest, protocol["batch"]).tolist()
        seconds.append(time.process_time() - started)
        state.measured += batch
        picked.append(batch)
    if len(test):
        errors.append(error_on(state, test))
    return {"picked": picked, "cpuSecondsPerCycle": seconds, **({"rmse": errors} if len(test) else {})}


def properties(table, first, others):
    columns = [np.array([float(row[other["property"]] or "nan") for row in table]) for other in others]
    signs = [1 if other["direction"] == "maximize" else -1 for other in others]
    return np.stack([first, *(sign * column for sign, column in zip(signs, columns))], 1) if others else None


def main(folder, seeds, methods):
    wanted = [(s, m) for s in seeds for m in methods if not (folder / f"seed-{s}.{m}.json").exists()]
    if not wanted:
        return
    protocol = json.loads((folder / "protocol.json").read_text(encoding="utf-8"))
    with open(folder / "table.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    values = np.array([float(row["target"]) if row["target"] else np.nan for row in table])
    values = values if protocol["direction"] == "maximize" else -values
    several = properties(table, values, protocol.get("others", []))
    molecules = features.molecules([row["smiles"] for row in table])
    pool = features.unary_counts(molecules), pair_bits(molecules)
    for seed, method in wanted:
        rows = json.loads((folder / f"seed-{seed}.rows.json").read_text(encoding="utf-8"))
        run = replay(method, pool, values, protocol, rows, seed, several)
        target = folder / f"seed-{seed}.{method}.json"
        # At once: a file that is there is whole.
        Path(f"{target}.new").write_text(json.dumps(run), encoding="utf-8")
        os.replace(f"{target}.new", target)
        print(f"{folder.name}: {method}, seed {seed}: {sum(run['cpuSecondsPerCycle']):.1f} CPU s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2].split(",")], sys.argv[3].split(","))
