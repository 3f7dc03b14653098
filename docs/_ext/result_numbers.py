"""Numbers of results in prose, and notes below results pages.

The role {result}`page / row / column` puts the text of a cell of a results page into a sentence, so
that no number is typed by hand. A note `results/notes/NAME.md` is shown below `results/NAME.md`,
which a benchmark writes whole; rewriting the page leaves the note alone.
"""

from __future__ import annotations

from docutils import nodes
from results_pages import RESULTS, read_result
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole


class ResultRole(SphinxRole):
    """The text of one cell of a results page; see `results_pages.read_result`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The cell as text, or an error that names the address."""
        try:
            text = read_result(self.text)
        except KeyError as error:
            message = self.inliner.reporter.error(error.args[0], line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        self.env.note_dependency(str(RESULTS / f"{self.text.partition(' / ')[0]}.md"))
        return [nodes.Text(text)], []


def add_note(app: Sphinx, docname: str, content: list[str]) -> None:
    """Appends the note of a results page to its text."""
    folder, _, name = docname.partition("/")
    note = RESULTS / "notes" / f"{name}.md"
    if folder == "results" and note.is_file():
        app.env.note_dependency(str(note))
        content[0] = f"{content[0]}\n## Notes\n\n{note.read_text(encoding='utf-8')}"


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers the role and the notes."""
    app.add_role("result", ResultRole())
    app.connect("source-read", add_note)
    return {"parallel_read_safe": True}
