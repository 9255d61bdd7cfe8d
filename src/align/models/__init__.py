"""The two networks: a classifier that predicts, and a masker that says where to look."""
