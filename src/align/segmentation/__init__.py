"""Foreground masks from networks that know nothing of the task: Segment Anything, and networks for salient objects."""
