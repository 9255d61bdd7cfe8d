"""The one typed source of truth for everything that can be set."""
