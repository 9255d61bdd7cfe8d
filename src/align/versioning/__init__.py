"""Data and finished checkpoints under DVC: what is published, and what may be taken in place of training."""
