"""Training: one loop for all methods, its batches, its history, and the state from which an interrupted run goes on."""
