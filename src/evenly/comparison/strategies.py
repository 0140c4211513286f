"""What is compared: named strategies, each a set of settings that goes over those of the config.

Comes in: ``compare.strategies`` of the config (names of evenly's own, or settings by name) and the task. Goes out: the
strategies in order, the reference first. All share rows, split, tokens, model and budget, so that they may set weights,
resampling and loss, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evenly.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evenly.formats import Task

__all__ = ["REFERENCE", "Strategy", "default_strategies", "make_strategies"]

REFERENCE = "none"
_PLAIN: dict[str, Any] = {"weights.scheme": "none", "resample.method": "none", "train.loss": "cross_entropy"}
_LOSSES = {"multilabel": "asymmetric", "multiclass": "logit_adjusted", "binary": "focal"}
_OVER: dict[str, dict[str, Any]] = {
    "multilabel": {},
    "multiclass": {"resample.target_ir": 5.0},
    "binary": {"resample.target_ir": 1.0, "resample.max_growth": 1.0},
}
"""How far the rare labels are brought: as the config has it (10); 5 by measurement; two classes to one size."""
_MAY_SET = ("weights.", "resample.", "train.")
_MOST_CHARACTERS = 60


@dataclass(frozen=True)
class Strategy:
    """A name, and dotted names of settings to their values."""

    name: str
    settings: dict[str, Any]


def default_strategies(task: Task) -> dict[str, dict[str, Any]]:
    """Return evenly's own strategies for a task: name to settings, each one remedy alone.

    `weights`: inverse square roots, in the loss. `loss`: the one made for imbalance. `over`: copies of rare rows.
    `mlsmote` (several labels a row) or `smote` (one): synthetic rows.
    """
    several = task == "multilabel"
    over = _OVER[task]
    own: dict[str, dict[str, Any]] = {
        REFERENCE: {},
        "weights": {"weights.scheme": "inverse_sqrt"},
        "loss": {"train.loss": _LOSSES[task]},
        "over": {"resample.method": "ml_ros" if several else "random_over", **over},
        "mlsmote" if several else "smote": {"resample.method": "mlsmote" if several else "smote", **over},
    }
    return {name: _PLAIN | settings for name, settings in own.items()}


def make_strategies(given: Mapping[str, Mapping[str, Any] | None] | None, task: Task) -> list[Strategy]:
    """Return the strategies of a comparison, the reference first.

    Parameters
    ----------
    given
        Name to settings (dotted or nested); no settings: evenly's own of that name; None: all of evenly's own.
        Settings go over no weights, no resampling and the plain loss.
    task
        binary, multiclass or multilabel.

    Raises
    ------
    ConfigError
        A name is unknown, empty or too long, or a setting is one that all strategies must share.
    """
    own = default_strategies(task)
    wanted: Mapping[str, Mapping[str, Any] | None] = dict.fromkeys(own) if given is None else given
    found = {name: _settings(name, settings, own) for name, settings in wanted.items()}
    ordered = {REFERENCE: found.get(REFERENCE, own[REFERENCE])} | found
    if len(ordered) == 1:
        raise ConfigError(f"compare.strategies names {REFERENCE!r} alone. Name one to compare it with: {_list(own)}.")
    return [Strategy(name, settings) for name, settings in ordered.items()]


def _settings(name: str, settings: Mapping[str, Any] | None, own: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    if not name.strip() or len(name) > _MOST_CHARACTERS:
        raise ConfigError(f"compare.strategies: a name has 1 to {_MOST_CHARACTERS} characters, and {name!r} has not.")
    if settings is None:
        if name not in own:
            raise ConfigError(
                f"compare.strategies: evenly has no strategy {name!r}{nearest(name, own)} Its own: {_list(own)}; or "
                f"give settings: {name}: {{weights.scheme: balanced}}."
            )
        return own[name]
    flat = _flatten(settings)
    for setting in flat:
        if not setting.startswith(_MAY_SET):
            raise ConfigError(
                f"compare.strategies.{name} sets {setting!r}. Strategies share rows, split and tokens: they may set "
                f"{', '.join(f'{prefix}*' for prefix in _MAY_SET)}."
            )
    return _PLAIN | flat


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _list(own: Mapping[str, Any]) -> str:
    return ", ".join(own)
