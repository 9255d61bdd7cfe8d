# Tables and figures in general: their files, what the report says of them, and what their functions are given.
import itertools

from align import figures, tables
from align.methods.naming import method_of
from align.tables.captions import caption, plain

# What people say of masks is left out where the configuration names no study.
TABLES, FIGURES = (
    {name: entry for name, entry in registry.items() if CONFIGURATION.ratings or "ratings" not in entry.reads}
    for registry in (tables.TABLES, figures.FIGURES)
)
WITH_PAGES = ("training_curves", "case_studies")
CAPTION = "../report/caption.rst"  # shows the param `caption` of a rule
PRESENTATION = sorted((HOME / "report").iterdir())
PERFORMANCE = sorted(map(own_file, (HOME / "artifacts/performance").glob("*.csv")))  # by make bench
OF_RESULTS = {"metrics": paths.METRICS, "ratings": paths.RATINGS}
FUNCTION_SETTINGS = {
    "variants": {run.method: PLAN.hyper_parameters(run.method) for run in RUNS},
    "defaults": {method_of(run.method): SETTINGS["methods"][method_of(run.method)] for run in RUNS},
    "left_out": PLAN.left_out,
}


def reference(name):
    """Return a file of published numbers."""
    return own_file(f"reference/{name}.csv")


def read_files(entry):
    """Return the files that the function of a table or figure reads."""
    return [configured(OF_RESULTS[name]) if name in OF_RESULTS else reference(name) for name in entry.reads]


def function_settings(entry):
    """Return the keyword arguments of the function of a table or figure."""
    return {name: FUNCTION_SETTINGS[name] for name in entry.settings}


def table_files(name):
    """Return the files of a table. The report shows the HTML."""
    files = {kind: configured(paths.TABLE, table=name, kind=kind) for kind in ("html", "csv", "md", "tex")}
    return files | {"html": report(files["html"], caption=CAPTION, category="Tables", labels={"table": TABLES[name].title})}


def figure_files(name, *page):
    """Return the files of a figure, or of a page of it. The report shows the SVG."""
    labels = {"figure": FIGURES[name].title}
    if page:
        labels |= {"data set": "{dataset}", "protocol": "{protocol}", "domain": "{domain}"}
    figure = "/".join([name, *page])
    files = {kind: configured(paths.FIGURE, figure=figure, kind=kind) for kind in ("svg", "png", "csv")}
    return files | {"svg": report(files["svg"], caption=CAPTION, category="Figures", labels=labels)}


def runs_of_page(wildcards):
    """Return the runs of the job's page of a figure."""
    return PLAN.pages[paths.PAGE.format(**wildcards)]


def first_seeds_of_page(wildcards):
    """Return the runs of the job's page of a figure, each method with its first seed only."""
    return PLAN.first_seeds(paths.PAGE.format(**wildcards))


def source_domains_of_page(wildcards):
    """Return the domains that the runs of the job's page are trained on."""
    return PLAN.source_domains(runs_of_page(wildcards)[0])


def page_caption(name, wildcards, **values):
    """Return the caption of the job's page of a figure."""
    names = {"dataset": wildcards.dataset, "sources": ", ".join(source_domains_of_page(wildcards))}
    return caption(FIGURES[name].implementation).format(**{key: plain(text) for key, text in names.items()}, **values)


def figure_names(left_out=()):
    """Return the names of every figure, and of every page of a figure that has pages, but for those that are ``left_out``."""
    names = [name for name in FIGURES if name not in WITH_PAGES] + [
        "/".join(page) for page in itertools.product(WITH_PAGES, PLAN.pages)
    ]
    return [name for name in names if name.split("/")[0] not in left_out]


def figure_targets(wildcards):
    """Return the files of every figure."""
    return expand(configured(paths.FIGURE), figure=figure_names(), kind=["svg", "png", "csv"])


def explorer_of(page):
    """Return the images of a page for the results page's explorer."""
    return configured(paths.EXPLORER, **dict(zip(("dataset", "protocol", "domain"), page.split("/"))))


# The inputs and params of a job that explains test images by the models of its page, each method's first seed.
MODELS_AND_IMAGES = {
    "checkpoints": lambda wildcards: PLACES.runs(paths.CHECKPOINT, first_seeds_of_page(wildcards)),
    "splits": per_job_dataset(paths.SPLITS),
    "images": per_domain(paths.IMAGES),
    "ground_truth": ground_truth_files(paths.GROUND_TRUTH),
}
EXPLAINED_BY_MODELS = {
    **hashed("runs", lambda wildcards: {run.method: PLAN.run_settings(run) for run in first_seeds_of_page(wildcards)}),
    **hashed("evaluation", SETTINGS["evaluation"]),
    "source_domains": source_domains_of_page,
    "attribution": PLAN.attribution,
    "domains": dataset_setting("domains"),
    "loads": lambda wildcards: [
        PLAN.attribution,
        *(name for run in first_seeds_of_page(wildcards) for name in PLAN.run_code(run)),
    ],
}
