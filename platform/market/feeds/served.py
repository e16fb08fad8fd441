"""Which exchanges have a feed that takes up instruments while it runs. Light: the gateway looks here too."""

SIMULATED = "SIM"

# Exchange → the feed that collects any instrument registered for it.
SERVED = {SIMULATED: "simulated"}
