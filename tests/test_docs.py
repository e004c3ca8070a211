"""What the documents say is true: their examples run, their links lead somewhere, their commands exist."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from pathlib import Path

import pytest

from sim.__main__ import main
from sim.workload import read

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
CHECKER = doctest.OutputChecker()


def blocks(document, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", document.read_text(), re.DOTALL | re.MULTILINE)


def named(documents):
    return pytest.mark.parametrize("document", documents, ids=lambda document: document.name)


@named([document for document in DOCUMENTS if blocks(document, "pycon")])
def test_the_examples_of_a_document_run(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "".join(blocks(document, "pycon"))
    test = doctest.DocTestParser().get_doctest(code, {}, document.name, str(document), 0)
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(test, out=report.write)

    assert runner.summarize(verbose=False).attempted > 0
    assert not report.getvalue(), report.getvalue()


@named([document for document in DOCUMENTS if blocks(document, "console")])
def test_the_output_that_a_document_shows_of_the_simulator_is_what_it_prints(document, monkeypatch):
    """A line of three dots stands for any number of lines."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    for block in blocks(document, "console"):
        command, _, expected = block.partition("\n")
        *program, workload = shlex.split(command.removeprefix("$ "))
        assert program == ["python", "-m", "sim"]
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            main([workload])
        printed = "".join(line.rstrip() + "\n" for line in output.getvalue().splitlines())

        assert CHECKER.check_output(expected, printed, doctest.ELLIPSIS), printed


def test_the_workload_files_that_the_documents_show_are_valid(tmp_path):
    files = [block for document in DOCUMENTS for block in blocks(document, "json")]
    assert files
    for content in files:
        path = tmp_path / "workload.json"
        path.write_text(content)
        assert read(path).version == 1


@named(DOCUMENTS)
def test_the_links_of_a_document_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if not link.startswith("https://"):
            path, _, heading = link.partition("#")
            target = document.parent / path if path else document
            assert target.exists(), link
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE) if heading else []
            anchors = [re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings]
            assert not heading or heading in anchors, link


@named(DOCUMENTS)
def test_the_make_targets_that_a_document_names_exist(document):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"(?:^ +|`)make ([a-z]+)", document.read_text(), re.MULTILINE):
        assert target in targets


def test_every_clause_has_a_test_of_its_name():
    contract = (ROOT / "docs/contract.md").read_text()
    clauses = re.findall(r"^- \*\*([A-Z]\d+)\*\*", contract, re.MULTILINE)
    tests = "".join(path.read_text() for path in ROOT.glob("tests/test_*.py"))

    assert len(clauses) == len(set(clauses)) == 40
    assert [clause for clause in clauses if f"def test_{clause}_" not in tests] == []


def test_every_defect_of_0_1_1_has_a_test_of_its_number():
    contract = (ROOT / "docs/contract.md").read_text()
    defects = [int(number) for number in re.findall(r"^\| (\d+) \|", contract, re.MULTILINE)]
    tests = (ROOT / "tests/test_defects.py").read_text()

    assert defects == list(range(1, 18))
    assert [number for number in defects if f"def test_defect_{number:02}_" not in tests] == []
