"""Foreground masks from Segment Anything, a segmentation model that knows no classes."""
