"""Shards, plan and weights -> batches: for TensorFlow as a `tf.data.Dataset`, for others as NumPy arrays."""
