"""The normalisation that all of torchvision's weights expect."""

# Mean and standard deviation of ImageNet's channels.
MEAN = (0.485, 0.456, 0.406)
STANDARD_DEVIATION = (0.229, 0.224, 0.225)
