# The param `code` of every rule is the hash of its code. The code is the script, all that the script imports, and what the param
# `loads` names.
for made in workflow.rules:
    if made.script:
        made.set_params(code=rule_code(SCRIPTS / Path(made.script).name, made.params.get("loads", [])))
