"""Exact Gaussian process in NumPy and SciPy, Tanimoto (MinMax) kernel on Morgan (radius 3) and atom-pair counts. The mean and the
variance are profiled out of the marginal likelihood, the noise ratio maximises it. Classes are regressed on as 0 and 1."""

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize_scalar

import features

MOST_LABELS = 5000
# Logarithms of noise variance / signal variance that are looked at, and how finely.
LOG_RATIO_BOUNDS = (-9.0, 4.0)
LOG_RATIO_TOLERANCE = 0.02
# Columns that occur in more than this share of the molecules are multiplied densely: BLAS is faster there.
POPULAR = 0.03


def prepare(smiles, task):
    counts = features.unary_counts(features.molecules(smiles))
    share = np.asarray(counts.sum(0)).ravel() / counts.shape[0]
    return {"dense": counts[:, share > POPULAR].toarray(), "rest": counts[:, share <= POPULAR]}


def kernel(prepared, left, right):
    """Similarities, float64 array (left, right)."""
    sums = prepared["dense"].sum(1) + np.asarray(prepared["rest"].sum(1)).ravel()
    dot = prepared["dense"][left] @ prepared["dense"][right].T
    dot += (prepared["rest"][left] @ prepared["rest"][right].T).toarray()
    return dot.astype(np.float64) / (sums[left][:, None] + sums[right][None, :] - dot)


def training_rows(task, targets, train, seed):
    """All, or a random 5,000 of them with every active among them."""
    if len(train) <= MOST_LABELS:
        return train
    shuffled = np.random.default_rng(seed).permutation(train)
    if task == "classification":
        shuffled = shuffled[np.argsort(targets[shuffled] == 0, kind="stable")]
    return shuffled[:MOST_LABELS]


def fit_predict(prepared, task, targets, train, test, seed, epochs):
    rows = training_rows(task, targets, train, seed)
    similarities, y = kernel(prepared, rows, rows), targets[rows]
    n, ones = len(rows), np.ones(len(rows))

    def solve(log_ratio):
        noisy = similarities.copy()
        noisy[np.diag_indices(n)] += np.exp(log_ratio)
        factor = cholesky(noisy, lower=True, overwrite_a=True, check_finite=False)
        a, b = solve_triangular(factor, np.stack([y, ones], 1), lower=True, check_finite=False).T
        mean = (a @ b) / (b @ b)
        residual = a - mean * b
        evidence = -0.5 * n * np.log(residual @ residual / n) - np.log(np.diag(factor)).sum()
        return evidence, mean, factor

    best = minimize_scalar(
        lambda ratio: -solve(ratio)[0], bounds=LOG_RATIO_BOUNDS, method="bounded", options={"xatol": LOG_RATIO_TOLERANCE}
    )
    _, mean, factor = solve(best.x)
    weights = cho_solve((factor, True), y - mean, check_finite=False)
    answers = mean + kernel(prepared, test, rows) @ weights
    return answers, {"labels": n, "noiseRatio": float(np.exp(best.x)), "evaluations": int(best.nfev)}
