"""Tables of the documentation that are generated."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENTS = Path(__file__).parents[1] / "docs"


def write(mark: str, lines: list[str]) -> None:
    """Put a table where a page of the documentation has this mark.

    Raises:
        SystemExit: not exactly one place has it; nothing is written.
    """
    place = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
    texts = {document: document.read_text(encoding="utf-8") for document in sorted(DOCUMENTS.glob("*.md"))}
    found = [document for document, text in texts.items() for _ in place.findall(text)]
    if len(found) != 1:
        raise SystemExit(f"{len(found)} places in {DOCUMENTS} are marked <!-- {mark} -->, not one")
    table = "\n".join(lines)
    text = place.sub(lambda marks: f"{marks[1]}{table}\n{marks[2]}", texts[found[0]])
    found[0].write_text(text, encoding="utf-8")
