"""Training rows kept aside to stop early by."""

import numpy as np

SHARE = 0.1


def hold_out(task, targets, train, seed):
    """(kept, held out): a random tenth, of every class alike."""
    shuffled = np.random.default_rng(seed).permutation(train)
    groups = [shuffled] if task == "regression" else [shuffled[targets[shuffled] == c] for c in (0, 1)]
    counts = [max(1, round(SHARE * len(group))) for group in groups]
    kept = np.concatenate([group[count:] for group, count in zip(groups, counts)])
    return kept, np.concatenate([group[:count] for group, count in zip(groups, counts)])
