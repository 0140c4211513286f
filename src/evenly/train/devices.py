"""What TensorFlow sees: its version, the GPUs, and the CUDA that it was built for. For `evenly doctor`."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["describe_devices"]


def describe_devices() -> dict[str, Any]:
    """Return versions of `tensorflow`, `keras`, `cuda` and `cudnn` (None on a CPU build), and the names of `gpus`.

    Call it in a process of its own (`evenly.isolation.run_isolated`): it loads TensorFlow.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    build = tf.sysconfig.get_build_info()
    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
        "cuda": build.get("cuda_version"),
        "cudnn": build.get("cudnn_version"),
    }
