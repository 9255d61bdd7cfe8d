"""What a training step of each method costs. ``tests/test_benchmarks.py`` counts the operations of each."""

PASSES = {
    "erm": 3,
    "mixup": 3,
    "rsc": 3,
    "cgc": 9,
    "irm": 3,
    "group_dro": 3,
    "sgt": 8,
    "dre": 6,
    "align": 10,
    "align-plus": 10,
    "align-swap": 10,  # a step in which its masker learns, which is every second one
    "align-gate": 3,
}
"""Passes of a batch through the network, by method: forward, backward to the input, and backward to the weights are one each.

Passes through a part of the network, and passes of a masker, are left out. A method that is not here counts as ERM.
"""
