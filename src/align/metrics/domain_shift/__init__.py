"""Metrics of pairs of images that show the same object on the backgrounds of two domains: ALIGN's lemmas 1 to 3."""
