"""A typed client of the gateway, for programs, notebooks, the command line and the screens."""
