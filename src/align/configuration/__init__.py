"""The whole configuration: its keys and types, how a file is read and checked, and the runs that it asks for."""
