"""Metrics that tell whether the prediction depends on the pixels that a saliency map ranks first."""
