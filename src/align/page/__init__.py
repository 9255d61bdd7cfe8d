"""The results page ``results/<configuration>/index.html``: one file that needs no network."""
