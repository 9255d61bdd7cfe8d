"""Masks of objects that are computed without learning, their degradation, and images composed with them."""
