"""Attributions: saliency maps of a classifier. Each has its own file and one line here.

An attribution is a function ``(classifier, images, features, labels) -> maps``. It takes normalised images N×3×H×W, the
classifier's feature maps N×C×h×w of them, and the classes to explain, N. It returns maps N×h'×w' of any size, which are not
negative. If gradients are enabled, a loss of the maps has a gradient with respect to the classifier's weights.
"""

ATTRIBUTIONS = {
    "grad_cam": "align.attribution.grad_cam:grad_cam",
    "hires_cam": "align.attribution.hires_cam:hires_cam",
    "layer_cam": "align.attribution.layer_cam:layer_cam",
    "input_gradient": "align.attribution.input_gradient:input_gradient",
    "integrated_gradients": "align.attribution.integrated_gradients:integrated_gradients",
}
AT_LAST_MAP = frozenset({"grad_cam", "hires_cam", "layer_cam"})
"""The attributions whose maps have the size of the last feature map. If it has one cell, their maps are flat."""
