"""Evidently and Alibi Detect on streams that bench-drift.ts wrote.

    python peers.py STREAMS.json

STREAMS.json: [{"name", "columns", "reference": [[...]], "windows": [[[...]]], "changed": index of the first changed window}]
Prints one JSON object a method: what it said of each window of each stream, and CPU seconds a window.
"""

import contextlib
import io
import json
import math
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import numpy as np
import pandas as pd

# As strict as one false alarm in 10,000 windows: the budget that titrate has.
STRICT = 1e-4


def evidently(columns, reference):
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(numerical_columns=columns)
    frame = pd.DataFrame(reference, columns=columns)
    known = Dataset.from_pandas(frame, data_definition=definition)
    report = Report([DataDriftPreset()])

    def look(window):
        current = Dataset.from_pandas(pd.DataFrame(window, columns=columns), data_definition=definition)
        metrics = report.run(reference_data=known, current_data=current).dict()["metrics"]
        share = next(m["value"]["share"] for m in metrics if "DriftedColumnsCount" in m["metric_name"])
        return {"dataset": share >= 0.5, "any column": share > 0}

    return look


def alibi_ks(columns, reference):
    from alibi_detect.cd import KSDrift

    detector = KSDrift(reference, p_val=STRICT, correction="bonferroni")

    def look(window):
        return {"KS": bool(detector.predict(window)["data"]["is_drift"])}

    return look


def alibi_mmd(columns, reference):
    from alibi_detect.cd import MMDDrift

    mean, spread = reference.mean(0), reference.std(0) + 1e-9
    scale = lambda rows: ((rows - mean) / spread).astype("float32")
    # A permutation test cannot give a p-value below one in the number of permutations.
    detector = MMDDrift(scale(reference), backend="pytorch", p_val=0.005, n_permutations=200)

    def look(window):
        return {"MMD": bool(detector.predict(scale(window))["data"]["is_drift"])}

    return look


def main():
    with open(sys.argv[1]) as file:
        streams = json.load(file)
    methods = {"Evidently": evidently, "Alibi Detect KS": alibi_ks}
    try:
        import torch

        torch.set_num_threads(1)
        methods["Alibi Detect MMD"] = alibi_mmd
    except ImportError:
        print("no torch: MMD is left out", file=sys.stderr)
    for method, make in methods.items():
        said, cpu, looks = [], 0.0, 0
        for stream in streams:
            reference = np.array(stream["reference"], dtype=float)
            columns = stream["columns"]
            with contextlib.redirect_stdout(io.StringIO()):
                start = time.process_time()
                look = make(columns, reference)
                windows = [look(np.array(window, dtype=float)) for window in stream["windows"]]
                cpu += time.process_time() - start
            looks += len(windows)
            said.append({"name": stream["name"], "changed": stream["changed"], "windows": windows})
        print(json.dumps({"method": method, "cpuSecondsALook": cpu / max(1, looks), "streams": said}))


if __name__ == "__main__":
    main()
