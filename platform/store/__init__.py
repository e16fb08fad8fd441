"""Tables, migrations and the embedded PostgreSQL and Redis."""
