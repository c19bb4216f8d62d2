"""Tanimoto (MinMax) similarities on Morgan (radius 3) and atom-pair counts, and the exact Gaussian process on them."""

import numpy as np
import scipy.linalg

# Noise variances over signal variances that the marginal likelihood is looked at.
NOISE_RATIOS = np.logspace(-3, 1, 41)
# Columns computed at a time.
BLOCK = 128


class Similarities:
    """Similarities of every molecule to the labelled ones, float32 (molecules, labelled), grown as labels arrive."""

    def __init__(self, unary):
        self.unary = unary
        self.sums = np.asarray(unary.sum(1)).ravel().astype(np.float32)
        self.rows = []
        self.columns = np.empty((unary.shape[0], 0), np.float32)

    def to(self, rows):
        """Similarities of every molecule to the rows, float32 (molecules, rows)."""
        blocks = []
        for start in range(0, len(rows), BLOCK):
            some = np.asarray(rows[start : start + BLOCK])
            shared = (self.unary @ self.unary[some].T).toarray()
            blocks.append(shared / (self.sums[:, None] + self.sums[some][None] - shared))
        return np.hstack(blocks).astype(np.float32) if blocks else self.columns[:, :0]

    def extend(self, rows):
        known = set(self.rows)
        new = [row for row in rows if row not in known]
        self.columns = np.hstack([self.columns, self.to(new)])
        self.rows += new


class Posterior:
    """Exact process: mean and amplitude profiled out, the noise ratio maximises the likelihood on a grid. In units of the targets."""

    def __init__(self, kernel, targets):
        self.shift, self.scale = targets.mean(), targets.std() or 1.0
        values, self.vectors = scipy.linalg.eigh(kernel.astype(np.float64))
        values = np.maximum(values, 0)
        projected = self.vectors.T @ ((targets - self.shift) / self.scale)

        def evidence(noise):
            variance = max(np.mean(projected**2 / (values + noise)), 1e-12)
            return -0.5 * (len(values) * np.log(variance) + np.log(values + noise).sum())

        self.noise = max(NOISE_RATIOS, key=evidence)
        self.damped = values + self.noise
        self.variance = max(np.mean(projected**2 / self.damped), 1e-12)
        self.weights = projected / self.damped

    def predict(self, cross):
        """Mean and standard deviation of the function, from similarities (rows, labelled)."""
        rotated = cross @ self.vectors.astype(np.float32)
        share = 1 - (rotated * rotated) @ (1 / self.damped).astype(np.float32)
        mean = rotated @ self.weights.astype(np.float32)
        deviation = np.sqrt(np.maximum(share, 1e-9) * self.variance)
        return mean * self.scale + self.shift, deviation * self.scale

    def covariance(self, left, right, prior):
        """Posterior covariance over the prior variance, from similarities to the labelled (left, right) and to one another."""
        rotated = [cross @ self.vectors.astype(np.float32) for cross in (left, right)]
        return prior - (rotated[0] / self.damped.astype(np.float32)) @ rotated[1].T
