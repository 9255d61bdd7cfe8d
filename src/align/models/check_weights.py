"""Say what a run would load from a file of initial weights: ``python -m align.models.check_weights weights.pth``."""

import argparse
import sys

from align.errors import InputError
from align.models.resnet18 import resnet18_stages
from align.models.weights import load_weights


def main() -> None:
    """Load the weights into a new ResNet-18. Print one line, and exit with 1 if they cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m align.models.check_weights", description=__doc__)
    parser.add_argument("weights", help="a file, or a name of torchvision's weights")
    try:
        print(load_weights(resnet18_stages(), parser.parse_args().weights))
    except InputError as error:
        print(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
