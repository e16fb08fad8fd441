"""The environment variables by which a program finds its gateway, and says as whom it acts."""

URL = "MILLSTREAM_URL"
TOKEN = "MILLSTREAM_TOKEN"  # noqa: S105 - the name of a variable, not a secret
