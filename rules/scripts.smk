# What holds for all rules.
#
# The param `code` of a rule is the hash of its code: the script, all that the script imports, and what the param `loads` names.
for made in OWN_RULES:
    if made.script:
        made.set_params(code=rule_code(SCRIPTS / Path(made.script).name, made.params.get("loads", [])))
    # In a Slurm job, Snakemake would start a whole group at once and ask for the cores of all its jobs. Without a group, they take
    # turns.
    if not workflow.is_main_process:
        made.group = None
