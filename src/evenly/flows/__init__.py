"""Prefect flows: thin skins over the stages; the only place that imports prefect.

``evenly.flows.steps`` says what a run consists of; ``evenly.flows.pipeline`` runs it as the Prefect flows `prepare`
(raw files to token shards), `train` (shards to model and report) and `pipeline` (both). A task is one stage;
whether it builds or reuses is the store's decision, never Prefect's cache.

Importing this package sets Prefect's environment (telemetry off, a start-up limit that a slow machine meets) where
it is not set already.
"""

import os

for _name, _value in {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}.items():
    os.environ.setdefault(_name, _value)
