"""From a folder of images to arrays that training reads: listing, splits, packing."""
