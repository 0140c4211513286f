"""A trained model applied to new texts: whatever ingest reads in, labels and probabilities out, row by row.

`predict` takes texts and answers with a table; `predict_files` streams files of any size into one file, and no row is
lost without a word: read = predicted + rejected.
"""

from __future__ import annotations

from evenly.prediction.file_prediction import Predicted, predict_files
from evenly.prediction.trained_model import TrainedModel, open_model, predict

__all__ = ["Predicted", "TrainedModel", "open_model", "predict", "predict_files"]
