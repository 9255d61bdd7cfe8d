"""Metrics that tell whether a map lies on the object, by its ground-truth mask."""
