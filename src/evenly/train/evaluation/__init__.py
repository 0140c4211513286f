"""Scores and true labels -> thresholds, decisions and metrics."""
