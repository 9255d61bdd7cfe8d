"""Random changes of training images: batched, each image with parameters of its own, on the images' device."""
