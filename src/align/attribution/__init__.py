"""Saliency maps of a classifier: one file and a line here each.

An attribution is a function ``(classifier, images, features, labels) -> maps`` of normalised images N×3×H×W, the
classifier's feature maps of them N×C×h×w and the classes to explain N; the maps are N×h'×w', not negative, of any size. Where
gradients are enabled, a loss of the maps can be minimised over the classifier's weights.
"""

ATTRIBUTIONS = {
    "grad_cam": "align.attribution.grad_cam:grad_cam",
    "hires_cam": "align.attribution.hires_cam:hires_cam",
    "layer_cam": "align.attribution.layer_cam:layer_cam",
    "input_gradient": "align.attribution.input_gradient:input_gradient",
    "integrated_gradients": "align.attribution.integrated_gradients:integrated_gradients",
}
