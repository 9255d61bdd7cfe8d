"""Saliency maps of a classifier: one file and a line here each.

An attribution is a function ``(classifier, images, features, labels) -> maps`` of normalised images N×3×H×W, the
classifier's feature maps of them N×C×h×w and the classes to explain N; the maps are N×h'×w', not negative, of any size.
"""

ATTRIBUTIONS = {
    "grad_cam": "align.attribution.grad_cam:grad_cam",
}
