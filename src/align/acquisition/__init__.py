"""Downloading the archives of data sets, verifying them, and unpacking them into folders."""
