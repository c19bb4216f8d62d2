"""epoch_dmpnn.py: SMILES, targets and a configuration as JSON on standard input; CPU seconds of training chemprop's message-passing
network for so many epochs on one thread, and the peak memory of the process, as JSON on standard output. Graphs are made before, and
the loop is PyTorch's: chemprop's own trainer (Lightning) costs more."""

import json
import os
import resource
import sys
import time
import warnings

for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{name}_NUM_THREADS"] = "1"
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402 (the number of threads is read at import)
import torch  # noqa: E402
from chemprop.data import MoleculeDatapoint, MoleculeDataset, build_dataloader  # noqa: E402
from chemprop.models import MPNN  # noqa: E402
from chemprop.nn import BondMessagePassing, MeanAggregation, RegressionFFN  # noqa: E402

KIBIBYTES_A_MEGABYTE = 1024


def main(smiles, targets, size, depth, hidden, batch, epochs, rate, decay):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    points = [MoleculeDatapoint.from_smi(text, [value]) for text, value in zip(smiles, np.array(targets))]
    dataset = MoleculeDataset(points)
    dataset.normalize_targets()
    dataset.cache = True
    loader = build_dataloader(dataset, batch_size=batch, seed=1)
    passing = BondMessagePassing(d_h=size, depth=depth)
    model = MPNN(passing, MeanAggregation(), RegressionFFN(input_dim=size, hidden_dim=hidden))
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    start = time.process_time()
    for _ in range(epochs):
        for graphs, _, descriptors, values, *_ in loader:
            optimiser.zero_grad()
            predicted = model.predictor.train_step(model.fingerprint(graphs, None, descriptors))
            torch.nn.functional.mse_loss(predicted, values).backward()
            optimiser.step()
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES_A_MEGABYTE
    print(json.dumps({"cpuSeconds": spent, "peakRssMegabytes": peak}))


if __name__ == "__main__":
    main(**json.load(sys.stdin))
