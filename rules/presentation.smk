# Where tables and figures are, how the report shows them, and which runs a page of a figure shows.
PUBLISHED = os.path.relpath(Path(workflow.basedir, "reference/align_paper.csv"))
PUBLISHED_ELSEWHERE = os.path.relpath(Path(workflow.basedir, "reference/domain_generalization.csv"))
PRESENTATION = sorted(Path(workflow.basedir, "report").iterdir())  # captions and style
PERFORMANCE = sorted(map(os.path.relpath, Path(workflow.basedir, "artifacts/performance").glob("*.csv")))  # by make bench
PAGE = "{dataset}/{protocol}/{domain}"  # figures of many runs have one for each
PAGES = {}
FIRST_SEEDS = {}
for run in (run for run, studies in STUDIES.items() if "comparison" in studies):
    page = PAGE.format(**run._asdict())
    PAGES.setdefault(page, []).append(run)
    FIRST_SEEDS.setdefault(page, {}).setdefault(run.method, run)


def table_files(table, title):
    """Return the files of a table; the report shows the HTML."""
    caption = f"../report/{table}.rst"
    shown = report(f"results/tables/{table}.html", caption=caption, category="Tables", labels={"table": title})
    return {"html": shown} | {kind: f"results/tables/{table}.{kind}" for kind in ("csv", "md", "tex")}


def figure_files(figure, title, *page):
    """Return the files of a figure, or of a page of it; the report shows the SVG."""
    labels = {"figure": title} | ({"data set": "{dataset}", "protocol": "{protocol}", "domain": "{domain}"} if page else {})
    name = "/".join([figure, *page])
    caption = f"../report/{figure}.rst"
    shown = report(f"results/figures/{name}.svg", caption=caption, category="Figures", labels=labels)
    return {"svg": shown} | {kind: f"results/figures/{name}.{kind}" for kind in ("png", "csv")}


def variants_of_study(study):
    """Return the hyper-parameters of every variant that is part of a study."""
    return {run.method: VARIANTS[run.method] for run, studies in STUDIES.items() if study in studies}


def reasons_left_out():
    """Return why a variant was left out, by data set and variant."""
    reasons = {}
    for (dataset, variant), reason in LEFT_OUT.items():
        reasons.setdefault(dataset, {})[variant] = reason
    return reasons


def of_page(pattern):
    """Return an input function: one path per run of the page; ``pattern`` has {run.path}."""
    return lambda wildcards: [pattern.format(run=run) for run in PAGES[PAGE.format(**wildcards)]]


def sources_of_page(wildcards):
    """Return the domains that the runs of a page are trained on."""
    return list(source_domains(CONFIGURATION, PAGES[PAGE.format(**wildcards)][0]))


def of_first_seeds(pattern):
    """Return an input function: one path per method of the page, of its first seed; ``pattern`` has {run.path}."""
    return lambda wildcards: [pattern.format(run=run) for run in FIRST_SEEDS[PAGE.format(**wildcards)].values()]
