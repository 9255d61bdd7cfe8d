"""Where the files are that the workflow makes, relative to the working directory.

Rules and library both take them from here. Names in braces are Snakemake's wildcards: ``pattern.format(**wildcards)``.
"""

from pathlib import Path

RUN = "{dataset}/{protocol}/{domain}/{method}/seed{seed}"
PAGE = "{dataset}/{protocol}/{domain}"
"""What one page of a figure shows: the runs of one protocol on one source domain, or without it."""

DOWNLOAD = "downloads/{archive}"
VERIFIED = DOWNLOAD + ".verified"
"""The SHA-256 and the place of an archive that has passed its check."""
RECORDED_CHECKSUM = "checksums/{archive}.sha256"

RESULTS = "results"

DATA = RESULTS + "/data/{dataset}"
MANIFEST = DATA + "/manifest.csv"
PASSED_OVER = DATA + "/passed_over.csv"
LISTED = DATA + "/listed.txt"
PERCEPTUAL_HASHES = DATA + "/perceptual_hashes.csv"
DUPLICATES = DATA + "/duplicates.csv"
COUNTS = DATA + "/counts.csv"
ACQUISITION = DATA + "/acquisition.json"
SPLITS = DATA + "/splits.csv"
IMAGES = DATA + "/{domain}.npy"
GROUND_TRUTH = DATA + "/{domain}.masks.npy"
GROUND_TRUTH_ACCOUNT = DATA + "/{domain}.masks.json"
"""Which annotations of a domain are used as ground truth, and why others are not."""
SAM_MASKS = DATA + "/{domain}.sam.npy"
SAM_ACCOUNT = DATA + "/{domain}.sam.json"

RUNS = RESULTS + "/runs"
CHECKPOINT = f"{RUNS}/{RUN}/checkpoint.pt"
HISTORY = f"{RUNS}/{RUN}/history.csv"
ACCOUNT = f"{RUNS}/{RUN}/run.json"
STATE = RESULTS + "/state"
"""The state of runs that were interrupted. No rule declares it, so that Snakemake leaves it alone."""

EVALUATIONS = RESULTS + "/evaluations"
RUN_METRICS = f"{EVALUATIONS}/{RUN}/metrics.csv"
IMAGE_METRICS = f"{EVALUATIONS}/{RUN}/images.csv.gz"
METRICS = RESULTS + "/metrics.csv"

TABLE = RESULTS + "/tables/{table}.{kind}"
FIGURE = RESULTS + "/figures/{figure}.{kind}"
VERDICT = RESULTS + "/verdict.{kind}"
REPORT = RESULTS + "/report.html"

CHECKSUMS = RESULTS + "/checksums"
LOG = RESULTS + "/logs/{job}.log"
BENCHMARKS = RESULTS + "/benchmarks"
BENCHMARK = BENCHMARKS + "/{job}.tsv"


def below(results: Path, path: str) -> Path:
    """Return where ``path`` lies if ``results`` is another folder of results."""
    return results / Path(path).relative_to(RESULTS)


def log(job: str) -> str:
    """Return the log file of a job, which may have wildcards in its name."""
    return LOG.replace("{job}", job)


def benchmark(job: str) -> str:
    """Return the file in which Snakemake writes what a job took."""
    return BENCHMARK.replace("{job}", job)
