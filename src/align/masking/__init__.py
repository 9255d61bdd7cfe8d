"""Masks that say which part of an image is the object: computed, given or learned, and what is done with them."""
