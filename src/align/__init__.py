"""Reproduction of ALIGN (arXiv:2511.06944): predictions and explanations, aligned by turns."""
