"""The networks that evenly trains: token ids -> logits, functional Keras models of built-in layers alone.

Importing this package is light; `evenly.train.models.network` and the networks themselves import Keras.
"""
