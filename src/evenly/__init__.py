"""evenly: imbalanced text tables made ready for training, and models trained on them.

The pipeline, in the order in which a run walks it (the folders, in alphabetical order):

``evenly.ingest``    raw files -> table: parquet parts, label names, rejects with their reasons
``evenly.labels``    table -> split without leaks, label statistics, class and sample weights
``evenly.resample``  table + split -> plan: copies of rows, recipes for synthetic ones
``evenly.tokenize``  table + plan -> Arrow token shards that ``datasets.load_from_disk`` opens
``evenly.train``     shards + plan + weights -> Keras model, thresholds, metrics
``evenly.report``    all of these -> one HTML file and the same figures as JSON

``evenly.comparison`` sets runs with different remedies side by side, ``evenly.prediction`` applies a model to new
texts. ``evenly.flows`` runs them as Prefect flows, ``evenly.store`` keeps what they make. Importing this package
imports none of them.
"""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("evenly")
