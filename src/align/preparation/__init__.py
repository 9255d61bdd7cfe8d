"""From a folder of images to the arrays that training reads: listing, verifying, splitting and packing."""
