"""Tables of the documentation that are generated."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENTS = Path(__file__).parents[2] / "docs"


def write(mark: str, lines: list[str]) -> None:
    """Put a table where a page of the documentation has this mark."""
    table = "\n".join(lines)
    number = 0
    for document in sorted(DOCUMENTS.glob("*.md")):
        text = document.read_text(encoding="utf-8")
        new, found = re.subn(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", rf"\1{table}\n\2", text, flags=re.DOTALL)
        number += found
        document.write_text(new, encoding="utf-8")
    if number != 1:
        raise SystemExit(f"{number} places in {DOCUMENTS} are marked <!-- {mark} -->, not one")
