"""Peer of bench:pool: log expected improvement of every molecule of a pool by an exact Gaussian process in NumPy and SciPy. The kernel is
structure T + product T R + descriptors R, T the MinMax kernel of counts and R a squared exponential of the descriptors' normal scores.
Features are read and turned into matrices before the clock starts."""

import json
import os
import sys
import time

import numpy as np
from scipy import sparse
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import log_ndtr
from scipy.stats import norm

# Columns that occur in more than this share of the labels are multiplied densely: BLAS is faster there.
POPULAR = 0.03
BLOCK = 5000
# Quantiles nearer to 0 or 1 count as this.
CLIP = 0.002


def read(folder, name, columns):
    """Descriptors, and counts as unary columns: key k with count c is the columns (k, 1) to (k, c)."""
    data = np.fromfile(os.path.join(folder, name + ".data"), np.uint32)
    offsets = np.fromfile(os.path.join(folder, name + ".offsets"), np.uint32).astype(np.int64)
    rows = len(offsets) - 1
    leading = offsets[:-1, None] + np.arange(columns)
    descriptors = data[leading].view(np.float32).astype(float)
    body = np.ones(len(data), bool)
    body[leading.ravel()] = False
    pairs = data[body].reshape(-1, 2).astype(np.int64)
    row = np.repeat(np.arange(rows), (np.diff(offsets) - columns) // 2)
    counts = pairs[:, 1]
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return descriptors, np.repeat(row, counts), np.repeat(pairs[:, 0], counts) * 2**20 + step, rows


def scores_of(train, values):
    """Normal scores of the quantiles among the training values."""
    out = []
    for column in range(train.shape[1]):
        own = np.sort(train[:, column])
        knots, first, times = np.unique(own, return_index=True, return_counts=True)
        if len(knots) < 2:
            continue
        levels = norm.ppf(np.clip((first + times / 2) / len(own), CLIP, 1 - CLIP))
        edge = norm.ppf(1 - CLIP)
        out.append(np.interp(values[:, column], knots, levels, left=-edge, right=edge))
    return np.stack(out, 1)


def kernel(pool, labels, job):
    dot = pool["dense"] @ labels["dense"].T
    dot += (pool["rest"] @ labels["rest"].T).toarray()
    alike = dot / (pool["sums"][:, None] + labels["sums"][None, :] - dot)
    u, v = pool["scores"], labels["scores"]
    square = (u**2).sum(1)[:, None] + (v**2).sum(1)[None, :] - 2 * u @ v.T
    near = np.exp(-np.maximum(square, 0) / (4 * job["lengthScale"] ** 2 * u.shape[1]))
    return job["structureWeight"] * alike + (job["productWeight"] * alike + job["descriptorWeight"]) * near


def log_improvement(mean, sigma, incumbent):
    z = (mean - incumbent) / sigma
    with np.errstate(all="ignore"):
        near = np.log(norm.pdf(z) + z * norm.cdf(z))
        # phi(z) (1 + z Phi(z) / phi(z)) far below.
        ratio = np.exp(log_ndtr(z) - norm.logpdf(z))
        far = norm.logpdf(z) + np.log1p(z * ratio)
        series = norm.logpdf(z) - 2 * np.log(np.abs(z)) + np.log1p(-3 / z**2)
    return np.log(sigma) + np.where(z > -1, near, np.where(z > -50, far, series))


def main(folder):
    with open(os.path.join(folder, "job.json")) as file:
        job = json.load(file)
    targets = np.fromfile(os.path.join(folder, "targets"))
    descriptors, row, column, n = read(folder, "labels", job["columns"])
    pool_descriptors, pool_row, pool_column, rows = read(folder, "pool", job["columns"])
    keys = np.unique(column)

    def matrices(row, column, count, values):
        at = np.searchsorted(keys, column)
        known = (at < len(keys)) & (keys[np.minimum(at, len(keys) - 1)] == column)
        matrix = sparse.csr_matrix(
            (np.ones(known.sum(), np.float32), (row[known], at[known])), shape=(count, len(keys))
        )
        sums = np.bincount(row, minlength=count).astype(float)
        return matrix, sums, scores_of(descriptors, values)

    trained, label_sums, label_scores = matrices(row, column, n, descriptors)
    popular = np.asarray(trained.sum(0)).ravel() / n > POPULAR
    held, pool_sums, pool_scores = matrices(pool_row, pool_column, rows, pool_descriptors)
    split = lambda m, s, g: {"dense": m[:, popular].toarray(), "rest": m[:, ~popular], "sums": s, "scores": g}
    labels = split(trained, label_sums, label_scores)

    factor = cholesky(kernel(labels, labels, job) + job["noiseRatio"] * np.eye(n), lower=True)
    weights = cho_solve((factor, True), targets - job["mean"])
    scores = np.empty(rows)
    seconds, cpu = 0.0, 0.0
    for start in range(0, rows, BLOCK):
        end = min(rows, start + BLOCK)
        block = split(held[start:end], pool_sums[start:end], pool_scores[start:end])
        began, used = time.perf_counter(), time.process_time()
        values = kernel(block, labels, job)
        mean = job["mean"] + values @ weights
        left = 1 - (solve_triangular(factor, values.T, lower=True, check_finite=False) ** 2).sum(0)
        sigma = job["signalDeviation"] * np.sqrt(np.maximum(left, 1e-18))
        scores[start:end] = log_improvement(mean, sigma, job["incumbent"])
        seconds += time.perf_counter() - began
        cpu += time.process_time() - used
    began, used = time.perf_counter(), time.process_time()
    np.argpartition(-scores, min(job["top"], rows - 1))
    seconds += time.perf_counter() - began
    cpu += time.process_time() - used
    scores.tofile(os.path.join(folder, "scores"))
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    main(sys.argv[1])
