from millstream_kernel.environment import kernel_environment


def test_a_kernel_gets_the_persons_token_and_no_secret_of_the_server():
    base = {
        "PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "x", "MILLSTREAM_HOME": "h", "MILLSTREAM_DATABASE_URL": "d",
        "JUPYTER_TOKEN": "t", "BINANCE_SECRET": "s", "AWS_SECRET_ACCESS_KEY": "k", "MILLSTREAM_SESSION_KEY": "s",
        "MILLSTREAM_OIDC_CLIENT_SECRET": "c", "MILLSTREAM_TOKEN": "another's", "SOMETHING_NEW": "n",
    }  # fmt: skip
    made = kernel_environment(base, url="u", token="mine")
    assert made == {
        "PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "x", "MILLSTREAM_HOME": "h", "MILLSTREAM_DATABASE_URL": "d",
        "MILLSTREAM_URL": "u", "MILLSTREAM_TOKEN": "mine",
    }  # fmt: skip
