"""What every job does before its own work."""

import subprocess
import sys


def test_garbage_is_collected_in_a_job_but_not_during_its_imports(tmp_path):
    program = f"""
from types import SimpleNamespace
snakemake = SimpleNamespace(log=[{str(tmp_path / "log")!r}], output=[], rule="some")
import gc
from align.workflow.jobs import job
assert not gc.isenabled()
with job(snakemake):
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10000  # the imports are not visited again
"""
    (tmp_path / "script.py").write_text(program)
    subprocess.run([sys.executable, tmp_path / "script.py"], check=True)
    subprocess.run([sys.executable, "-c", "import gc, align; assert gc.isenabled()"], check=True)
