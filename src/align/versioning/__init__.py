"""Data and finished checkpoints under DVC: publishing them, and taking published checkpoints in place of training."""
