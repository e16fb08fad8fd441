"""The REST routes, one module a subject; each is a :class:`~millstream.gateway.routing.Routes`."""
