# A script counts by what it does, as the library's code; Snakemake's own trigger is its time, which any checkout changes.
from align.workflow.provenance import script_hash

for made in workflow.rules:
    if made.script:
        made.set_params(script=script_hash(Path(workflow.basedir, "workflow_scripts", Path(made.script).name)))
