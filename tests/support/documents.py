"""Reading the project's Markdown documents: code blocks, commands, links."""

import re
import shlex
from pathlib import Path

from support.paths import ROOT

DOCS = ROOT / "docs"
WRITTEN_BY_THE_BUILD = ("_build", "generated", "gallery")


def documents():
    """README and the like, and every page of the site that stands in the tree."""
    pages = [path for path in DOCS.rglob("*.md") if not set(path.parts) & {*WRITTEN_BY_THE_BUILD}]
    return sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *pages])


def code_blocks(text, language):
    """The contents of the fenced blocks of one language ("" for none)."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def commands(text, program):
    """The command lines of one program in bash blocks, as words after its name."""
    for block in code_blocks(text, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|\||;", line):
                words = shlex.split(part.removeprefix(" do"), comments=True)
                if words[:1] == [program]:
                    yield words[1:]


def relative_links(path: Path):
    """The targets of a document's links and pictures that are paths, without their anchors."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            yield target.partition("#")[0]
