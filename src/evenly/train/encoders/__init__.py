"""Pretrained encoders: a checkpoint of the Hugging Face hub, opened by KerasHub, and the vectors it gives of texts."""
