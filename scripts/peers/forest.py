"""scikit-learn's random forest: 500 trees on Morgan bits or counts (radius 2, 2,048), whichever does better out of bag."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import average_precision_score

import features

TREES = 500
# Out-of-bag evidence to choose the features by.
TRIAL_TREES = 100


def prepare(smiles, task):
    mols = features.molecules(smiles)
    return {"bits": features.morgan(mols), "counts": features.morgan(mols, counts=True)}


def forest(task, trees, seed):
    common = dict(n_estimators=trees, max_features="sqrt", n_jobs=1, random_state=seed)
    if task == "regression":
        return RandomForestRegressor(oob_score=trees == TRIAL_TREES, **common)
    return RandomForestClassifier(oob_score=trees == TRIAL_TREES, class_weight="balanced", **common)


def evidence(model, task, targets):
    if task == "regression":
        return model.oob_score_
    return average_precision_score(targets, np.nan_to_num(model.oob_decision_function_[:, 1]))


def fit_predict(prepared, task, targets, train, test, seed, epochs):
    trials = {}
    for name, matrix in prepared.items():
        trial = forest(task, TRIAL_TREES, seed).fit(matrix[train], targets[train])
        trials[name] = float(evidence(trial, task, targets[train]))
    best = max(trials, key=trials.get)
    model = forest(task, TREES, seed).fit(prepared[best][train], targets[train])
    values = prepared[best][test]
    answers = model.predict(values) if task == "regression" else model.predict_proba(values)[:, 1]
    return answers, {"features": best, "outOfBag": trials}
