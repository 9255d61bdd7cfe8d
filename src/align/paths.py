"""Where the files are that the workflow makes, relative to the working directory.

Rules and library both take them from here. Names in braces are Snakemake's wildcards. Those in ``KEYS`` of
:mod:`align.configuration.places` are keys of settings, which that module fills in.
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

DATA = RESULTS + "/data/{dataset}/{listing}"
MANIFEST = DATA + "/manifest.csv"
PASSED_OVER = DATA + "/passed_over.csv"
LISTED = DATA + "/listed.txt"
PERCEPTUAL_HASHES = DATA + "/perceptual_hashes.csv"
DUPLICATES = DATA + "/duplicates.csv"
COUNTS = DATA + "/counts.csv"
ACQUISITION = DATA + "/acquisition.json"
SPLITS = DATA + "/splits-{split}.csv"
PACKED = DATA + "/{images}"
IMAGES = PACKED + "/{domain}.npy"
GROUND_TRUTH = PACKED + "/masks-{truth}/{domain}.npy"
GROUND_TRUTH_ACCOUNT = PACKED + "/masks-{truth}/{domain}.json"
"""Which annotations of a domain are used as ground truth, and why others are not."""
GUIDING_MASKS = PACKED + "/guiding-{guiding}/{domain}.npy"
GUIDING_ACCOUNT = PACKED + "/guiding-{guiding}/{domain}.json"
SAM_MASKS = PACKED + "/sam-{sam}/{domain}.npy"
SAM_ACCOUNT = PACKED + "/sam-{sam}/{domain}.json"
SALIENT_MASKS = PACKED + "/salient_object/{domain}.npy"
SALIENT_ACCOUNT = PACKED + "/salient_object/{domain}.json"

RUNS = RESULTS + "/runs"
TRAINING = RUN + "/{training}"
CHECKPOINT = f"{RUNS}/{TRAINING}/checkpoint.pt"
HISTORY = f"{RUNS}/{TRAINING}/history.csv"
ACCOUNT = f"{RUNS}/{TRAINING}/run.json"
STATE = RESULTS + "/state"
"""The state of runs that were interrupted. No rule declares it, so that Snakemake leaves it alone."""

EVALUATIONS = RESULTS + "/evaluations"
EVALUATION = TRAINING + "/{evaluation}"
RUN_METRICS = f"{EVALUATIONS}/{EVALUATION}/metrics.csv"
IMAGE_METRICS = f"{EVALUATIONS}/{EVALUATION}/images.csv.gz"

CHECKSUMS = RESULTS + "/checksums"
LOGS = RESULTS + "/logs"
BENCHMARKS = RESULTS + "/benchmarks"
SHARED = {Path(folder).name for folder in (RESULTS + "/data", RUNS, STATE, EVALUATIONS, CHECKSUMS, LOGS, BENCHMARKS)}
"""The folders below ``results/`` that all configurations share."""

CONFIGURED = RESULTS + "/{configuration}"
"""What belongs to one configuration."""
CONFIGURATION = CONFIGURED + "/configuration.yaml"
METRICS = CONFIGURED + "/metrics.csv"
RATINGS = CONFIGURED + "/ratings.csv"
TABLE = CONFIGURED + "/tables/{table}.{kind}"
FIGURE = CONFIGURED + "/figures/{figure}.{kind}"
VERDICT = CONFIGURED + "/verdict.{kind}"
EXPLORER = CONFIGURED + f"/explorer/{PAGE}.json"
RESULTS_PAGE = CONFIGURED + "/index.html"
LIST_OF_RESULTS = RESULTS + "/index.html"
REPORT = CONFIGURED + "/report.html"
CONFIGURED_LOG = CONFIGURED + "/logs/{job}.log"
LINK = f"{CONFIGURED}/runs/{RUN}/{{file}}"
"""A file of a run, without the keys in its path. It is a link."""
LINKED = {Path(pattern).name: pattern for pattern in (CHECKPOINT, HISTORY, ACCOUNT, RUN_METRICS, IMAGE_METRICS)}


def below(results: Path, path: str) -> Path:
    """Return where ``path`` lies if ``results`` is another folder of results."""
    return results / Path(path).relative_to(RESULTS)


def log(job: str) -> str:
    """Return the log file of a job, which may have wildcards in its name."""
    return f"{LOGS}/{job}.log"


def benchmark(job: str) -> str:
    """Return the file in which Snakemake writes what a job took."""
    return f"{BENCHMARKS}/{job}.tsv"
