"""The commands of docs/using_models.md run as they are printed, on the results of config/tiny.yaml."""

import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY

PAGE = (REPOSITORY / "docs/using_models.md").read_text()
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
RUN_HERE = [line for line in COMMANDS if re.match("RUN=|align (?!plan)", line)]  # tests/planning runs the plan


def test_the_page_on_models_runs(tiny_results, tmp_path):
    (tmp_path / "data").symlink_to(tiny_results / "data")
    (tmp_path / "results").mkdir()
    for path in (tiny_results / "results").iterdir():
        (tmp_path / "results" / path.name).symlink_to(path)
    for name in ("before", "after"):
        (tmp_path / "results" / name).symlink_to(tiny_results / "results/tiny")
    assert [line.split()[1] for line in RUN_HERE if line.startswith("align")] == ["explain", "masks", "export", "compare"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    script = "\n".join(["set -e", *RUN_HERE])
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    photographs = list((tmp_path / "data/tiny_scenes/stripes").rglob("*.png"))
    assert len(list((tmp_path / "masks").rglob("*.png"))) == len(photographs)
    assert len(list((tmp_path / "explanations").rglob("*.png"))) == len(photographs)
    assert (tmp_path / "exported/masker.onnx").exists()
    assert "Settings: the same" in done.stdout
