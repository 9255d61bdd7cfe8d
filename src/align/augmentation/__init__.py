"""Random changes of training images. They run in batches on the images' device, with random parameters for each image."""
