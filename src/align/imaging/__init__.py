"""What is done to pixels everywhere: normalising, grey levels, one Gaussian blur, resizing, scaling."""
