"""Training: one loop for all methods, and what it reports."""
