"""Masks from a segmentation model that knows nothing of the classes."""
