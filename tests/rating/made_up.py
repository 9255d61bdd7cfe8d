"""A study of two methods and five images with made-up answers, as the page would save them."""

import json

from align.rating.answers import Key, checksum, order_of, signed_text

METHODS = ("erm", "align")
IMAGES = 5
CONTROLS = ("true mask", "random mask")
GOOD = {"align": 4, "erm": 2, "true mask": 5, "random mask": 1}


def write_study(folder, trial=False, study="0123456789abcdef"):
    """Write the key of the study. Its orders are simple: all masks, then the first one again."""
    items = {f"{image}-{n}": {"image": image, "method": name} for image in range(IMAGES) for n, name in enumerate(METHODS)}
    items |= {f"0-{name[0]}": {"image": 0, "method": name} for name in CONTROLS}
    order = [[name, False] for name in items] + [["0-0", True]]
    key = {
        "study": study,
        "trial": trial,
        "dataset": "birds",
        "source_domain": "river",
        "checkpoints": dict.fromkeys(METHODS, "0" * 64),
        "images": [{"path": f"river/duck/{n}.jpg", "target_domain": "river", "class": "duck"} for n in range(IMAGES)],
        "items": items,
        "orders": [order, order[::-1]],
    }
    (folder / "answers").mkdir(parents=True, exist_ok=True)
    (folder / "key.json").write_text(json.dumps(key))
    return Key.model_validate_json(json.dumps(key))


def answers_of(key, rater, overall=GOOD, again=0):
    """Return what the page saves: ``overall`` ratings by method, and ``again`` added to what is shown for the second time."""
    answers = []
    for item, repeated in order_of(key, rater):
        value = min(5, max(1, overall[key.items[item].method] + again * repeated))
        answers.append(
            {"item": item, "again": repeated, "coverage": value, "background": 6 - value, "overall": value, "seconds": 2.5}
        )
    content = {"study": key.study, "trial": key.trial, "rater": rater, "answers": answers}
    return content | {"checksum": checksum(signed_text(*content.values()))}


def write_answers(folder, content, name=None):
    path = folder / "answers" / (name or f"rater-{content['rater']}.json")
    path.write_text(json.dumps(content))
    return path
