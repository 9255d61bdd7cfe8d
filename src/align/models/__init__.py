"""The classifier: its architectures, initial weights, number types and modes."""
