"""A package, so that what has package scope ends with this folder: pytest takes a folder without it for the session."""
