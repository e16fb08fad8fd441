"""Every command, option, setting and topic is documented, and what the documentation names exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
NAMED_SETTING = re.compile(r"\bMILLSTREAM_[A-Z0-9_]+\b")
NAMED_TARGET = re.compile(r"`make ([a-z-]+)")


@pytest.fixture(scope="module")
def pages(repository) -> dict[Path, str]:
    paths = [
        *sorted((repository / "docs").rglob("*.md")),
        repository / "README.md",
        repository / "CONTRIBUTING.md",
    ]
    return {path: path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture(scope="module")
def documentation(pages) -> str:
    return "\n".join(pages.values())


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each command and group of commands as it is typed, with its long options."""
    import typer

    from millstream.cli.main import app

    def walk(command, name: str) -> Iterator[tuple[str, list[str]]]:
        yield name, [option for parameter in command.params for option in parameter.opts if option[:2] == "--"]
        for child_name, child in getattr(command, "commands", {}).items():
            if not child.hidden:
                yield from walk(child, f"{name} {child_name}")

    yield from walk(typer.main.get_command(app), "millstream")


def test_every_command_is_documented(documentation):
    missing = [name for name, _ in commands() if not re.search(rf"\b{name}\b", documentation)]
    assert missing == []


def test_every_option_is_documented(documentation):
    options = {option for _, names in commands() for option in names} - {"--help"}
    missing = sorted(option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", documentation))
    assert missing == []


def test_every_documented_command_exists(documentation):
    known = {name for name, _ in commands()}
    typed = set(re.findall(r"^\$? ?(millstream(?: [a-z][a-z-]*)?)(?=\s|$)", documentation, flags=re.MULTILINE))
    assert typed - known == set()


def test_every_setting_is_documented(documentation):
    from millstream.ops.settings import Settings

    prefix = Settings.model_config["env_prefix"]
    missing = [name for name in Settings.model_fields if f"{prefix}{name}".upper() not in documentation]
    assert missing == []


def test_every_documented_setting_exists(documentation):
    from millstream.ops.settings import OTHER_VARIABLES, Settings

    prefix = Settings.model_config["env_prefix"]
    known = {f"{prefix}{name}".upper() for name in Settings.model_fields} | OTHER_VARIABLES
    assert set(NAMED_SETTING.findall(documentation)) - known == set()


def test_every_topic_is_documented(documentation):
    from millstream.contracts.topics import TOPICS

    missing = [name for name in TOPICS if f"`{name}`" not in documentation]
    assert missing == []


def test_every_make_target_is_documented_and_every_documented_one_exists(repository, documentation):
    targets = set(re.findall(r"^([a-z-]+):.*## ", (repository / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(NAMED_TARGET.findall(documentation)) == targets


def test_links_between_pages_lead_somewhere(pages):
    broken = [
        f"{path.name}: {target}"
        for path, text in pages.items()
        for target in LINK.findall(text)
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_every_page_is_in_the_navigation(repository):
    navigation = (repository / "mkdocs.yml").read_text(encoding="utf-8")
    docs = repository / "docs"
    missing = [
        str(page.relative_to(docs)) for page in docs.rglob("*.md") if str(page.relative_to(docs)) not in navigation
    ]
    assert missing == []


def test_topic_table_equals_the_topics(repository):
    from millstream.contracts.topics import TOPICS

    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (repository / "docs" / "topics.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    documented = {(name.strip("`"), key, partitions, kept) for name, key, _, _, partitions, kept in rows}
    assert documented == {
        (topic.name, topic.key, str(topic.partitions), f"{topic.retention_seconds // 86_400} days")
        for topic in TOPICS.values()
    }
