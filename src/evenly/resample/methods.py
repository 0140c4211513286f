"""The methods of the stage by name: a name and settings in, a sampler out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.errors import ConfigError, nearest
from evenly.resample.imbalanced_learn import FROM_IMBLEARN, takes_amount
from evenly.resample.samplers import (
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

if TYPE_CHECKING:
    from evenly.resample.limits import Amount
    from evenly.resample.mlsmote import LabelRule, RankingTies
    from evenly.resample.sampler import Sampler
    from evenly.resample.samplers import Realise

__all__ = ["METHODS", "sampler_of"]

BY_LABELS: dict[str, Any] = {
    "random_over": RandomOver,
    "random_under": RandomUnder,
    "lp_ros": LPROS,
    "lp_rus": LPRUS,
    "ml_ros": MLROS,
    "ml_rus": MLRUS,
}
WITHOUT_AMOUNT: dict[str, type[Sampler]] = {"remedial": REMEDIAL, "ml_enn": MLENN, "ml_tl": MLTL}
METHODS = ("none", *BY_LABELS, "mlsmote", "mlsol", *WITHOUT_AMOUNT, "remedial_hwr", *FROM_IMBLEARN)


def sampler_of(
    method: str,
    amount: Amount,
    *,
    k_neighbors: int = 5,
    label_rule: LabelRule = "weighted",
    ranking_ties: RankingTies = "drop",
    realise: Realise = "splice",
) -> Sampler | None:
    """Return the sampler of a method, None for ``none``.

    Parameters
    ----------
    method
        One of `METHODS`.
    amount
        Passed to methods that take one: those that only clean or divide rows decide by themselves.
    k_neighbors, label_rule, ranking_ties, realise
        See `MLSMOTE`; for the methods that have such a parameter. ``ml_enn`` keeps its 3 neighbours.

    Raises
    ------
    ConfigError
        There is no such method.
    """
    if method not in METHODS:
        raise ConfigError(
            f"resample.method is {method!r}; expected one of {', '.join(METHODS)}{nearest(method, METHODS)}"
        )
    smote = MLSMOTE(
        k_neighbors=k_neighbors, label_rule=label_rule, ranking_ties=ranking_ties, realise=realise, **amount
    )
    if method in BY_LABELS:
        over_or_under: Sampler = BY_LABELS[method](**amount)
        return over_or_under
    if method in WITHOUT_AMOUNT:
        return WITHOUT_AMOUNT[method]()
    if method in FROM_IMBLEARN:
        name = FROM_IMBLEARN[method]
        return FromImblearn(name, realise=realise, **(amount if takes_amount(name) else {}))
    found: dict[str, Sampler] = {
        "mlsmote": smote,
        "mlsol": MLSOL(k_neighbors=k_neighbors, realise=realise, **amount),
        "remedial_hwr": Chain([REMEDIAL(), smote]),
    }
    return found.get(method)
