"""What is committed: no secrets, no paths of one machine, no registry hosts; folders as designed."""

import re
from pathlib import Path

import pytest

SECRETS = {
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"),
    "Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."),
    "assigned secret": re.compile(
        r"(?i)\b(?:api_?key|api_?secret|secret_?key|access_?token|passw(?:or)?d)\b[\"']?\s*[:=]\s*[\"'][A-Za-z0-9+/_-]{20,}[\"']"
    ),
    "password in a URL": re.compile(
        r"\b[a-z][a-z0-9+]*://[^\s/:@{}<>$\"']+:(?!password@|\*|\.\.\.)[^\s/:@{}<>$\"']{6,}@(?!localhost|127\.)"
    ),
}
MACHINE_PATHS = re.compile(r"(?<![\w.~$}])/(?:work|root|home/[a-z]\w*|Users/\w+)/")
HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("anaconda", "org"),
            ("registry", "npmjs"),
            ("repo1", "maven"),
            ("repo", "maven", "apache"),
            ("proxy", "golang"),
        )
    )
)
GENERATED = {"requirements.lock"}
LAYOUT = {
    "notebooks",
    "strategies",
    "kernel_ext",
    "dashboards",
    "platform",
    "tests",
    "docs",
    "deploy",
    "benchmarks",
    "src",
}


def texts(files: list[Path]) -> list[tuple[Path, str]]:
    found = []
    for path in files:
        try:
            found.append((path, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue  # a binary file holds no line to read
    return found


@pytest.fixture(scope="module")
def committed(repository_files) -> list[tuple[Path, str]]:
    return texts(repository_files)


def findings(committed: list[tuple[Path, str]], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in committed
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("kind", SECRETS)
def test_committed_files_hold_no_secret(committed, kind):
    assert findings(committed, SECRETS[kind]) == []


def test_committed_files_name_no_path_of_one_machine(committed):
    assert findings(committed, MACHINE_PATHS) == []


def test_committed_files_name_no_registry_host(committed):
    assert findings(committed, HOSTS) == []


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("private key", "-----BEGIN " + "RSA PRIVATE KEY-----"),
        ("AWS access key", "id = AKIA" + "ABCDEFGHIJKLMNOP"),
        ("GitHub token", "ghp_" + "a1" * 18),
        ("assigned secret", "api_key = '" + "q7Zp" * 8 + "'"),
        ("password in a URL", "postgresql://trader:" + "correct-horse@db.internal/millstream"),
    ],
)
def test_a_secret_is_recognised(kind, line):
    assert SECRETS[kind].search(line)


@pytest.mark.parametrize("line", ["cd /" + "root/x", "open('/" + "home/jo/y')", '"/' + 'work/main"'])
def test_a_path_of_one_machine_is_recognised(line):
    assert MACHINE_PATHS.search(line)


def test_top_level_folders_are_those_of_the_design(repository, repository_files):
    folders = {path.relative_to(repository).parts[0] for path in repository_files if path.parent != repository}
    assert {folder for folder in folders if not folder.startswith(".")} <= LAYOUT


def test_source_folder_holds_only_links_to_the_packages(repository):
    links = {path.name: path.readlink().as_posix() for path in (repository / "src").iterdir()}
    assert links == {
        "millstream": "../platform",
        "millstream_kernel": "../kernel_ext",
        "millstream_dashboards": "../dashboards",
    }


def test_text_files_end_with_one_newline_and_hold_no_trailing_space(committed):
    untidy = [
        str(path)
        for path, text in committed
        if path.name not in GENERATED
        and path.suffix in {".py", ".md", ".toml", ".yml", ".yaml", ""}
        and text
        and (not text.endswith("\n") or text.endswith("\n\n") or re.search(r"[ \t]+$", text, flags=re.MULTILINE))
    ]
    assert untidy == []
