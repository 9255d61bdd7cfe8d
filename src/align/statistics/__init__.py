"""Statistics: paired comparisons, corrections for several of them, and ranks."""
