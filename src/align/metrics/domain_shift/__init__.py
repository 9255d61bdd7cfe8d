"""Metrics of pairs of images that show the same object on two domains' backgrounds: ALIGN's lemmas 1 to 3 in numbers."""
