"""Metrics of the predictions."""
