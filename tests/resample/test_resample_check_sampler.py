"""The checklist for samplers, run on every one of them, and shown to catch what it is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evenly.resample import (
    LPROS,
    LPRUS,
    MLENN,
    MLROS,
    MLRUS,
    MLSMOTE,
    MLSOL,
    MLTL,
    REMEDIAL,
    Chain,
    FromImblearn,
    RandomOver,
    RandomUnder,
)
from evenly.testing import SamplerCheckError, check_sampler

MANY = [
    LPROS(),
    LPROS(target_ir=3),
    LPRUS(),
    LPRUS(target_ir=3),
    MLROS(),
    MLROS(target_ir=3, max_growth=2.0),
    MLRUS(),
    MLRUS(target_ir=3),
    MLSMOTE(),
    MLSMOTE(target_ir=3, gap="row"),
    MLSMOTE(ratio=0.5, label_rule="ranking", ranking_ties="half"),
    MLSMOTE(n_samples=9, label_rule="union"),
    MLSMOTE(target_ir=2, label_rule="intersection", k_neighbors=100),
    MLSMOTE(target_ir=3, label_rule="soft"),
    MLSMOTE(target_ir=3, realise="duplicate"),
    MLSOL(),
    MLSOL(target_ir=3),
    MLSOL(n_samples=7, realise="duplicate"),
    REMEDIAL(),
    REMEDIAL(keep_empty=False),
    MLENN(),
    MLTL(threshold=0.5),
    Chain([REMEDIAL(), MLSMOTE(target_ir=3)]),
    Chain([MLROS(target_ir=3), MLTL()]),
    Chain([MLSMOTE(ratio=0.3), MLROS(target_ir=3), MLENN()]),
]
ONE = [
    RandomOver(),
    RandomOver(target_ir=2),
    RandomUnder(),
    RandomUnder(ratio=0.1),
    MLROS(target_ir=2),
    MLSMOTE(target_ir=2),
    REMEDIAL(),
    FromImblearn("SMOTE"),
    FromImblearn("smote", realise="duplicate"),
    FromImblearn("BorderlineSMOTE", target_ir=2),
    FromImblearn("ADASYN"),
    FromImblearn("RandomOverSampler"),
]
LOSING = [  # imbalanced-learn's own choices may leave a class without rows
    FromImblearn("SMOTEENN"),
    FromImblearn("SMOTETomek"),
    FromImblearn("TomekLinks"),
    FromImblearn("NearMiss"),
    FromImblearn("EditedNearestNeighbours"),
]


@pytest.mark.parametrize("sampler", MANY, ids=repr)
def test_every_multi_label_sampler_keeps_what_it_promises(sampler: Any) -> None:
    check_sampler(sampler)


@pytest.mark.parametrize("sampler", ONE, ids=repr)
def test_every_sampler_for_one_label_a_row_does(sampler: Any) -> None:
    check_sampler(sampler, one_label=True)


@pytest.mark.parametrize("sampler", LOSING, ids=repr)
def test_imbalanced_learns_samplers_do(sampler: Any) -> None:
    check_sampler(sampler, one_label=True, may_lose_labels=True)


class _Broken(MLROS):
    """A sampler that breaks one promise at a time."""

    def __init__(self, *, flaw: str = "", random_state: Any = None) -> None:
        super().__init__(target_ir=3, random_state=random_state)
        self.flaw = flaw

    def get_params(self, **_deep: bool) -> dict[str, Any]:
        return {"flaw": self.flaw, "random_state": self.random_state}

    def set_params(self, **params: Any) -> _Broken:
        if set(params) - {"flaw", "random_state"}:
            raise ValueError(f"no parameter {params}")
        vars(self).update(params)
        return self

    def fit_resample(self, X: Any, Y: Any, **given: Any) -> tuple[Any, Any]:
        if self.flaw == "in place" and isinstance(X, np.ndarray):
            X[0] = 0
        made, labels = super().fit_resample(X, Y, **given)
        if self.flaw == "dtype" and isinstance(made, np.ndarray):
            return made.astype(np.float64), labels
        if self.flaw == "order" and isinstance(made, np.ndarray):
            self.sample_indices_ = self.sample_indices_[::-1]
            return made[::-1], labels[::-1]
        if self.flaw == "global" and isinstance(made, np.ndarray):
            made[-1] = made[int(np.random.random() * 3)]  # noqa: NPY002 - the flaw
        if self.flaw == "labels lost" and isinstance(labels, np.ndarray):
            labels[:, 3] = 0
        return made, labels


@pytest.mark.parametrize(
    ("flaw", "check"),
    [
        ("dtype", "dtypes_and_order"),
        ("order", "order"),
        ("in place", "nothing_given_is_changed|originals"),
        ("global", "originals|nothing_given"),
        ("labels lost", "originals|labels_are_kept"),
    ],
)
def test_a_broken_promise_is_noticed(flaw: str, check: str) -> None:
    with pytest.raises(SamplerCheckError, match=check):
        check_sampler(_Broken(flaw=flaw))


def test_the_broken_sampler_without_a_flaw_passes() -> None:
    check_sampler(_Broken())
