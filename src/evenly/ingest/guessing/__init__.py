"""A first config for a table that nobody has described: which columns hold what."""
