"""epoch.py: a configuration as JSON on standard input; CPU seconds of training PyTorch's MLP for so many epochs on one thread, and the
peak memory of the process, as JSON on standard output."""

import json
import os
import resource
import sys
import time

for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import torch  # noqa: E402 (the number of threads is read at import)
from torch import nn  # noqa: E402

KIBIBYTES_A_MEGABYTE = 1024


def main(rows, columns, hidden, batch, density, dense, epochs, rate, decay):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    inputs = torch.randn(rows, columns) if dense else (torch.rand(rows, columns) < density).float()
    targets = torch.randn(rows, 1)
    widths = [columns, *hidden]
    layers = [part for pair in zip(widths, hidden) for part in (nn.Linear(*pair), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(widths[-1], 1))
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    start = time.process_time()
    for _ in range(epochs):
        for chosen in torch.randperm(rows).split(batch):
            optimiser.zero_grad()
            nn.functional.mse_loss(model(inputs[chosen]), targets[chosen]).backward()
            optimiser.step()
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES_A_MEGABYTE
    print(json.dumps({"cpuSeconds": spent, "peakRssMegabytes": peak}))


if __name__ == "__main__":
    main(**json.load(sys.stdin))
