"""PyTorch MLP on Morgan bits (radius 2, 2,048) and RDKit's descriptors: 512-512, dropout, stopped early on held-out rows."""

import copy

import numpy as np
import torch
from torch import nn

import features
from held_out import hold_out

HIDDEN = 512
DROPOUT = 0.2
BATCH = 64
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-4
MOST_EPOCHS = 100
PATIENCE = 12


def prepare(smiles, task):
    mols = features.molecules(smiles)
    return {"bits": features.morgan(mols), "descriptors": features.descriptors(mols)}


def network(inputs):
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT),
        nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT),
        nn.Linear(HIDDEN, 1),
    )  # fmt: skip


def fit_predict(prepared, task, targets, train, test, seed, epochs):
    torch.manual_seed(seed)
    inputs = np.concatenate([prepared["bits"], features.standardise(prepared["descriptors"], train)], 1)
    inputs = torch.from_numpy(inputs)
    mean, deviation = (targets[train].mean(), targets[train].std()) if task == "regression" else (0.0, 1.0)
    wanted = torch.from_numpy(((targets - mean) / deviation).astype(np.float32))
    kept, held_out = hold_out(task, targets, train, seed)
    if task == "regression":
        loss_of = nn.MSELoss()
    else:
        negatives, positives = (targets[kept] == 0).sum(), (targets[kept] == 1).sum()
        loss_of = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(negatives / positives, dtype=torch.float32))
    model = network(inputs.shape[1])
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best_loss, best_state, best_epoch = np.inf, None, 0
    for epoch in range(MOST_EPOCHS):
        model.train()
        for batch in torch.from_numpy(kept)[torch.randperm(len(kept))].split(BATCH):
            optimiser.zero_grad()
            loss_of(model(inputs[batch])[:, 0], wanted[batch]).backward()
            optimiser.step()
        model.eval()
        with torch.no_grad():
            loss = loss_of(model(inputs[held_out])[:, 0], wanted[held_out]).item()
        if loss < best_loss:
            best_loss, best_state, best_epoch = loss, copy.deepcopy(model.state_dict()), epoch
        elif epoch - best_epoch >= PATIENCE:
            break
    model.load_state_dict(best_state)
    model.eval()
    with torch.no_grad():
        answers = model(inputs[test])[:, 0].double().numpy()
    return answers * deviation + mean, {"bestEpoch": best_epoch + 1, "epochs": epoch + 1}
