"""Figures: each file makes one, as tidy data and as a drawing of them."""
