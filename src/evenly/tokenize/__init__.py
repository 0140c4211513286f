"""From text to token ids: one tokenizer for the whole run, Arrow shards that any Arrow tool opens.

Comes in: the table and its split (or the synthetic rows of a plan). Goes out: a tokenizer folder that `AutoTokenizer`
opens offline, and a data set a split that `datasets.load_from_disk` opens. Each row is encoded once, whatever a
resampling makes of it later.
"""

from __future__ import annotations

from evenly.tokenize.encoder import encode, encode_windows
from evenly.tokenize.shards import SHARDS, SYNTHETIC
from evenly.tokenize.token_types import token_type_ids
from evenly.tokenize.tokenizer import TOKENIZER

__all__ = ["SHARDS", "SYNTHETIC", "TOKENIZER", "encode", "encode_windows", "token_type_ids"]
