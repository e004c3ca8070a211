"""The specification holds what it says, and what the manifest says of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spec.__main__ import main
from spec.config import checked
from spec.manifest import read_manifest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(1500)
def test_every_model_that_is_not_large_is_as_the_manifest_says(tools, everyday):
    """They have been at work since the first test."""
    said, _ = everyday.communicate()

    assert everyday.returncode == 0, said


def test_properties_and_witnesses_are_named_after_what_they_say():
    """A property after a clause of the contract; a witness says what never happens, and TLC shows that it does."""
    contract = (ROOT / "docs/contract.md").read_text()
    clauses = set(re.findall(r"^- \*\*([A-Z]\d+)\*\*", contract, re.MULTILINE))
    models = read_manifest(ROOT / "spec/manifest.toml")

    assert len(models) >= 12
    for model in models:
        config = (ROOT / "spec" / f"{model.config}.cfg").read_text()
        names = {name for names in checked(config) for name in names}
        if model.name.startswith("witness-"):
            assert model.result.startswith("Never")
        elif model.name.startswith("upstream-"):
            assert model.result == "ok" or model.result.partition("_")[0] in clauses
        else:
            reverted = model.name.startswith("t-without-")
            assert model.result.partition("_")[0] in clauses if reverted else model.result == "ok"
            assert names
            assert {name.partition("_")[0] for name in names} - {"TypeOK", "KeepsTheContract", "GoesOn"} <= clauses


def test_every_property_of_the_specification_is_checked_by_some_model():
    used = {name for path in ROOT.glob("spec/*.cfg") for names in checked(path.read_text()) for name in names}
    for module in ("ResourcePool", "ResourcePoolThreads"):
        text = (ROOT / f"spec/{module}.tla").read_text().split(r"\* ---- properties ----")[1]
        assert set(re.findall(r"^([A-Z]\d+_\w+) ==", text, re.MULTILINE)) <= used


def test_every_configuration_is_in_the_manifest():
    models = read_manifest(ROOT / "spec/manifest.toml")

    assert sorted(f"{model.config}.cfg" for model in models) == sorted(
        str(path.relative_to(ROOT / "spec")) for path in ROOT.glob("spec/**/*.cfg")
    )


def test_the_counterexample_that_the_document_shows_is_what_tlc_finds(tools, capsys):
    document = (ROOT / "docs/specification.md").read_text()
    (shown,) = re.findall(r"^```\n(.*?)^```$", document, re.DOTALL | re.MULTILINE)
    main(["--trace", "upstream-pinned"])

    assert shown in capsys.readouterr().out
