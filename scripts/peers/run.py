"""run.py PEER FOLDER SPLITS: the peer's predictions of the test rows of each split (comma-separated numbers) of a data set's folder,
written beside the split; splits that have them are left alone. One thread. See workspace.ts for the files."""

import csv
import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path

for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402 (the number of threads is read at import)

PEERS = {"forest": "forest", "gp": "gp", "mlp": "mlp", "chemprop": "dmpnn"}
KIBIBYTES_A_MEGABYTE = 1024


def read_table(folder):
    with open(folder / "table.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["smiles"] for row in rows], np.array([float(row["target"]) for row in rows])


def write_answers(base, rows, answers, details):
    if not np.isfinite(answers).all():
        raise SystemExit(f"{base}: a prediction is not finite")
    with open(f"{base}.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("row", "prediction"), *zip(rows.tolist(), answers.tolist())])
    # Last, and at once: it says that the answers are whole.
    Path(f"{base}.json.new").write_text(json.dumps(details, indent=2) + "\n", encoding="utf-8")
    os.replace(f"{base}.json.new", f"{base}.json")


def main(name, folder, indices):
    peer = importlib.import_module(PEERS[name])
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    smiles, targets = read_table(folder)
    about = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    splits = {i: json.loads((folder / f"split-{i}.json").read_text(encoding="utf-8")) for i in indices}
    pending = {i: split for i, split in splits.items() if not (folder / f"split-{i}.{name}.json").exists()}
    if not pending:
        return
    # Features of every row that some split needs, once; a split is charged for its own rows.
    used = sorted({row for split in pending.values() for row in split["train"] + split["test"]})
    start = time.process_time()
    prepared = peer.prepare([smiles[row] for row in used], about["task"])
    seconds_a_row = (time.process_time() - start) / len(used)
    place = {row: i for i, row in enumerate(used)}
    for index, split in pending.items():
        train, test = (np.array([place[row] for row in split[part]]) for part in ("train", "test"))
        start = time.process_time()
        answers, details = peer.fit_predict(
            prepared, about["task"], targets[used], train, test, split["seed"], about["epochs"]
        )
        spent = time.process_time() - start + seconds_a_row * (len(train) + len(test))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES_A_MEGABYTE
        rows = np.array(split["test"])
        write_answers(
            folder / f"split-{index}.{name}", rows, answers, {"cpuSeconds": spent, "peakRssMegabytes": peak, **details}
        )
        print(f"{about['title']}: {name}, split {index}: {spent:.1f} CPU s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), [int(index) for index in sys.argv[3].split(",")])
