"""custom: a network of the user's own, from a function that the config names.

In: ``module:function``, a module that Python can import where the run is started (installed, or in the working
directory or on PYTHONPATH). The function takes a `evenly.train.models.spec.Spec` and returns a functional Keras model
from token ids, int32 (batch, length), padded with `spec.pad_id`, to logits, (batch, number of outputs of `spec.head`):
no sigmoid, no softmax. With a list of ids for each text column (tokenize.join: columns) its inputs are named
``input_ids_<column>``. The config holds the name alone: no code is ever run from a config, and a change of the function
is not seen by the store; rename it, or change a setting, to train anew.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from evenly.train.models.spec import Spec

__all__ = ["build_custom"]


def build_custom(name: str, spec: Spec) -> keras.Model:
    """Call the function that `name`, ``module:function``, stands for.

    Raises
    ------
    ConfigError
        It cannot be imported, or what it returns is no model with the outputs of the task.
    """
    module, _, function = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # a script's own path is that of its program; last, so that it hides nothing installed
    try:
        build: Any = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"train.build is {name!r}, which cannot be imported: {error}. Give module:function of a module that is "
            f"installed, on PYTHONPATH, or in the folder where the run is started: {here}."
        ) from error
    model = build(spec)
    n_outputs = len(spec.head.bias)
    shape = getattr(model, "output_shape", None)
    if not isinstance(model, keras.Model) or shape != (None, n_outputs):
        raise ConfigError(
            f"train.build: {name} gave {type(model).__name__} with outputs {shape}; expected a functional keras.Model "
            f"with outputs (None, {n_outputs}): the logits, {n_outputs} for this table."
        )
    return model
