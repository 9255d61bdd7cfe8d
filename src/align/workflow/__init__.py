"""Connects Snakemake and the library: jobs, locks, GPU slots, checksums, provenance, and checks before the first job."""
