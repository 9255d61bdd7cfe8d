"""The bytes of packed soft masks."""

UNKNOWN = 255  # every pixel of a packed mask, if the image has none
FULL = 254  # the byte for 1 in a packed soft mask
