# Gives every rule the hash of its code as a param: its script, all that the script imports, and what the param `loads` names.


def rule_code(script, loads):
    """Return the hash of a rule's code. If ``loads`` is a params function, return a params function."""
    if callable(loads):
        return lambda wildcards: code_hash(script, *loads(wildcards))
    return code_hash(script, *loads)


for made in workflow.rules:
    if made.script:
        made.set_params(code=rule_code(SCRIPTS / Path(made.script).name, made.params.get("loads", [])))
