"""Metrics of whether a saliency map names the pixels that the prediction depends on."""
