"""The text of a config -> plain values, whatever the text is.

Comes in: YAML, of a file or of ``--set``. Goes out: dicts, lists and scalars. No tag makes an object of Python. A
few lines of aliases can stand for a billion values (*billion laughs*), and whatever walks through them hangs; what is
larger than any config when written out is refused before anybody walks.
"""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["parse_yaml"]

_MOST_VALUES = 200_000  # with every alias written out: a new name for each of 100,000 labels


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text.

    Raises
    ------
    ValueError
        It is not YAML, holds itself, is nested too deeply, or is far too large.
    """
    try:
        value = yaml.safe_load(text)
        size = _count(value, {}, set())
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if size > _MOST_VALUES:
        raise ValueError(f"its aliases stand for more than {_MOST_VALUES:,} values, which no config has")
    return value


def _count(value: Any, known: dict[int, int], above: set[int]) -> int:
    """Return how many values there are with every alias written out; each is walked through once."""
    if not isinstance(value, dict | list | tuple | set):
        return 1
    if id(value) in above:
        raise ValueError("an alias holds itself")
    if id(value) not in known:
        above.add(id(value))
        inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(each, known, above) for each in inner)
        above.remove(id(value))
    return known[id(value)]
