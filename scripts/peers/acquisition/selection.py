"""Ways to pick a batch. Each takes the state of a replay (run.py) and gives the rows that it picks, in order."""

import numpy as np
from scipy.stats import norm
from sklearn.ensemble import RandomForestRegressor

TREES, DEPTH = 100, 8
PREDICT_ROWS = 20000
# Molecules that the integrated variance is summed over.
REFERENCE = 1000
# Share of the forest's mean variance that is added to its covariance: of 100 trees it has a rank of 100 at most.
RIDGE = 0.1


def best(rest, value, count):
    return rest[np.argsort(-value, kind="stable")[:count]]


def random(state, rest, count):
    return state.rng.permutation(rest)[:count]


def grow_forest(state):
    labelled = state.labelled
    forest = RandomForestRegressor(TREES, max_depth=DEPTH, n_jobs=1, random_state=state.seed, max_features=1.0)
    return forest.fit(state.bits[labelled].toarray().astype(np.float32), state.known(labelled))


def parts(rest):
    return (rest[start : start + PREDICT_ROWS] for start in range(0, len(rest), PREDICT_ROWS))


def forest(state, rest, count):
    """MolPAL's recipe: 100 trees of depth 8 on atom-pair bits, the best mean."""
    model = grow_forest(state)
    value = np.concatenate([model.predict(state.bits[part].toarray().astype(np.float32)) for part in parts(rest)])
    return best(rest, value, count)


def gp_greedy(state, rest, count):
    mean, _ = state.posterior().predict(state.similarities.columns[rest])
    return best(rest, mean, count)


def gp_ei(state, rest, count):
    mean, deviation = state.posterior().predict(state.similarities.columns[rest])
    gain = mean - state.known(state.labelled).max()
    z = gain / deviation
    return best(rest, gain * norm.cdf(z) + deviation * norm.pdf(z), count)


def nipv(state, rest, count):
    """Greedily the molecule that takes most off the posterior variance summed over a sample of the pool (Cohn 1996)."""
    posterior = state.posterior()
    reference = state.rng.permutation(rest)[:REFERENCE]
    columns = state.similarities.columns
    shared = posterior.covariance(columns[rest], columns[reference], state.between(rest, reference))
    rotated = columns[rest] @ posterior.vectors.astype(np.float32)
    variance = 1 - (rotated * rotated) @ (1 / posterior.damped).astype(np.float32)
    picked, directions, open_rows = [], [], np.ones(len(rest), bool)
    for _ in range(min(count, len(rest))):
        value = (shared * shared).sum(1) / (variance + posterior.noise)
        at = int(np.argmax(np.where(open_rows, value, -np.inf)))
        picked.append(at)
        open_rows[at] = False
        # Covariance of every candidate with the pick, given the picks before it.
        with_pick = posterior.covariance(columns[rest], columns[rest[[at]]], state.between(rest, rest[[at]]))[:, 0]
        for direction in directions:
            with_pick = with_pick - direction * direction[at]
        root = np.sqrt(max(with_pick[at], 1e-9) + posterior.noise)
        direction = with_pick / root
        directions.append(direction)
        shared = shared - np.outer(direction, shared[at] / root)
        variance = np.maximum(variance - direction**2, 1e-9)
    return rest[picked]


def k_center(state, rest, count):
    """Greedily the molecule whose most similar measured or picked one is least similar."""
    nearest = state.similarities.columns[rest].max(1)
    picked = []
    for _ in range(min(count, len(rest))):
        at = int(np.argmin(nearest))
        picked.append(at)
        nearest = np.maximum(nearest, state.between(rest, rest[[at]])[:, 0])
        nearest[picked] = np.inf
    return rest[picked]


def forest_log_det(state, rest, count):
    """Greedy log-determinant of the covariance of a forest's trees, as COVDROP does with the draws of a network."""
    model = grow_forest(state)
    draws = np.concatenate(
        [
            np.stack([tree.predict(state.bits[part].toarray().astype(np.float32)) for tree in model.estimators_], 1)
            for part in parts(rest)
        ]
    )
    draws = (draws - draws.mean(1, keepdims=True)) / np.sqrt(TREES - 1)
    variance = (draws * draws).sum(1)
    ridge = RIDGE * variance.mean() + 1e-12
    variance = variance + ridge
    directions, picked = [], []
    for _ in range(min(count, len(rest))):
        at = int(np.argmax(variance))
        picked.append(at)
        column = draws @ draws[at]
        for direction in directions:
            column = column - direction * direction[at]
        direction = column / np.sqrt(variance[at])
        directions.append(direction)
        variance = variance - direction**2
        variance[picked] = -np.inf
    return rest[picked]


METHODS = {
    "random": random,
    "forest": forest,
    "gp-greedy": gp_greedy,
    "gp-ei": gp_ei,
    "nipv": nipv,
    "k-center": k_center,
    "forest-log-det": forest_log_det,
}
