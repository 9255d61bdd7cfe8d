"""Estimates what a configuration would cost, before it is run."""
