"""Statistics: paired differences between methods, corrections of their p-values, and ranks."""
