"""scikit-learn's random forest: 500 trees on Morgan bits or counts (radius 2, 2,048), whichever does better out of fold."""

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import average_precision_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

import features

TREES = 500
# Evidence to choose the features by. Not out of bag: balanced classes weight the bootstrap itself, so that a rare row is never out.
TRIAL_TREES = 100
FOLDS = 3


def prepare(smiles, task):
    mols = features.molecules(smiles)
    return {"bits": features.morgan(mols), "counts": features.morgan(mols, counts=True)}


def forest(task, trees, seed):
    common = dict(n_estimators=trees, max_features="sqrt", n_jobs=1, random_state=seed)
    if task == "regression":
        return RandomForestRegressor(**common)
    return RandomForestClassifier(class_weight="balanced", **common)


def evidence(task, matrix, targets, seed):
    trial = forest(task, TRIAL_TREES, seed)
    if task == "regression":
        folds = KFold(FOLDS, shuffle=True, random_state=seed)
        return r2_score(targets, cross_val_predict(trial, matrix, targets, cv=folds))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    answers = cross_val_predict(trial, matrix, targets, cv=folds, method="predict_proba")
    return average_precision_score(targets, answers[:, 1])


def fit_predict(prepared, task, targets, train, test, seed, epochs):
    trials = {
        name: float(evidence(task, matrix[train], targets[train], seed)) for name, matrix in prepared.items()
    }
    best = max(trials, key=trials.get)
    model = forest(task, TREES, seed).fit(prepared[best][train], targets[train])
    values = prepared[best][test]
    answers = model.predict(values) if task == "regression" else model.predict_proba(values)[:, 1]
    return answers, {"features": best, "outOfFold": trials}
