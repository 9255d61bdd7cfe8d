"""Two folders of results side by side: what they were made of, and how far their numbers differ."""
