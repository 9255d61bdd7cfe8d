"""Ask every address of the archives in use whether it answers now. Nothing is downloaded."""

from align.acquisition.answers import ask, require_an_answer, said
from align.workflow.jobs import job

with job(snakemake):
    answers = ask(snakemake.params.addresses)
    print(said(answers), flush=True)
    require_an_answer(answers)
