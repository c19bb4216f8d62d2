"""chemprop's directed message passing as its command line trains it by default: one model, depth 3, 300 wide, normed sums, batches of
64, the epoch with the least loss on held-out rows. Graphs are made once, which is faster than its default and changes no number."""

import logging
import tempfile
import warnings

import torch
from chemprop.conf import LIGHTNING_26_COMPAT_ARGS
from chemprop.data import MoleculeDatapoint, MoleculeDataset, build_dataloader
from chemprop.models import MPNN
from chemprop.nn import BinaryClassificationFFN, BondMessagePassing, NormAggregation, RegressionFFN, UnscaleTransform
from lightning import pytorch as pl
from lightning.pytorch.callbacks import ModelCheckpoint

import features
from held_out import hold_out

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")


def prepare(smiles, task):
    return features.molecules(smiles)


def dataset_of(mols, targets, rows):
    dataset = MoleculeDataset([MoleculeDatapoint(mols[row], y=targets[row : row + 1]) for row in rows])
    dataset.cache = True
    return dataset


def fit_predict(mols, task, targets, train, test, seed, epochs):
    torch.manual_seed(seed)
    kept, held_out = hold_out(task, targets, train, seed)
    datasets = {"train": kept, "validation": held_out, "test": test}
    datasets = {name: dataset_of(mols, targets, rows) for name, rows in datasets.items()}
    if task == "regression":
        scaler = datasets["train"].normalize_targets()
        datasets["validation"].normalize_targets(scaler)
        predictor = RegressionFFN(output_transform=UnscaleTransform.from_standard_scaler(scaler))
    else:
        predictor = BinaryClassificationFFN()
    model = MPNN(BondMessagePassing(), NormAggregation(), predictor)
    loaders = {
        name: build_dataloader(dataset, seed=seed, shuffle=name == "train", drop_last=None if name == "train" else False)
        for name, dataset in datasets.items()
    }
    quiet = dict(logger=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu")
    with tempfile.TemporaryDirectory() as folder:
        best = ModelCheckpoint(folder, monitor="val_loss", mode="min")
        trainer = pl.Trainer(max_epochs=epochs, callbacks=[best], deterministic=True, **quiet)
        trainer.fit(model, loaders["train"], loaders["validation"])
        answers = trainer.predict(model, loaders["test"], ckpt_path="best", **LIGHTNING_26_COMPAT_ARGS)
        best_epoch = int(torch.load(best.best_model_path, weights_only=False)["epoch"]) + 1
    return torch.concat(answers)[:, 0].double().numpy(), {"bestEpoch": best_epoch, "epochs": epochs}
