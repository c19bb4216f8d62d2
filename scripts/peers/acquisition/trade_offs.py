"""Batches for several properties by BoTorch, as its tutorials do: a process a property with the Tanimoto kernel, noisy expected hypervolume
improvement pick by pick (qLogNEHVI: Daulton, Balandat and Bakshy 2021; Ament et al. 2023). The batch is put together from the candidates that are
best by it one by one."""

import warnings

import gpytorch
import torch
from botorch import fit_gpytorch_mll
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.transforms import Standardize
from botorch.optim import optimize_acqf_discrete
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated

SAMPLES = 64
SHORTLIST = 150
# Candidates whose improvement is computed at a time.
PART = 256


class Tabulated(gpytorch.kernels.Kernel):
    """Similarities that were computed before; a molecule is the number of its row."""

    def __init__(self, table):
        super().__init__()
        self.table = table

    def forward(self, x1, x2, diag=False, **_):
        one, two = x1[..., 0].round().long(), x2[..., 0].round().long()
        if diag:
            return self.table[one, two]
        return self.table[one[..., :, None], two[..., None, :]]


def process(table, rows, values):
    covariance = gpytorch.kernels.ScaleKernel(Tabulated(table))
    model = SingleTaskGP(rows, values, covar_module=covariance, outcome_transform=Standardize(1))
    fit_gpytorch_mll(gpytorch.mlls.ExactMarginalLogLikelihood(model.likelihood, model))
    return model


def improvement(state, model, complete):
    front = complete[is_non_dominated(complete)]
    baseline = torch.tensor(state.measured, dtype=torch.double)[:, None]
    sampler = SobolQMCNormalSampler(torch.Size([SAMPLES]), seed=state.seed)
    reference = infer_reference_point(front).tolist()
    return qLogNoisyExpectedHypervolumeImprovement(model, reference, baseline, sampler=sampler, prune_baseline=True)


def botorch_nehvi(state, rest, count):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(state.seed)
    table = state.table()
    measured = torch.tensor(state.measured)
    several = torch.tensor(state.several)
    known = ~several[measured].isnan()
    models = [
        process(table, measured[has][:, None].double(), several[measured[has], i][:, None])
        for i, has in enumerate(known.T)
    ]
    acquisition = improvement(state, ModelListGP(*models), several[measured[known.all(1)]])
    choices = torch.tensor(rest, dtype=torch.double)[:, None]
    with torch.no_grad():
        alone = torch.cat([acquisition(part[:, None]) for part in choices.split(PART)])
    best = choices[alone.argsort(descending=True, stable=True)[: max(SHORTLIST, 2 * count)]]
    picked, _ = optimize_acqf_discrete(acquisition, q=count, choices=best, max_batch_size=PART, unique=True)
    return picked[:, 0].round().long().numpy()
