"""The manifest: what it may hold, and how figures get into it."""

from __future__ import annotations

import pytest

from spec.config import checked, only
from spec.errors import SpecError
from spec.manifest import read_manifest, write_figures

CONFIG = """SPECIFICATION Spec
CONSTANTS \\* INVARIANT Not
  a = a
INVARIANTS TypeOK (* PROPERTY
  Neither *) Bound
CONSTRAINT Small
PROPERTY
  Served
  Lifo
"""


def edit(folder, old, new):
    path = folder / "manifest.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_model_has_what_the_manifest_says_and_defaults(folder):
    safe, live, witness, large = read_manifest(folder / "manifest.toml")

    assert (safe.states, safe.distinct, safe.depth, safe.workers) == (4, 4, 4, 1)
    assert (live.large, live.workers, live.deadlock, live.states) == (False, 2, False, None)
    assert (witness.result, large.large) == ("NeverDone", True)


def test_depth_is_exact_with_one_worker_only(folder):
    safe, live, witness, _ = read_manifest(folder / "manifest.toml")

    assert (safe.exact, live.exact, witness.exact) == (
        ("states", "distinct", "depth"),
        ("states", "distinct"),
        ("depth",),
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("workers = 1", "worker = 1", "model 'safe': unknown key 'worker'; did you mean 'workers'?"),
        ("workers = 1", 'workers = "1"', "model 'safe': workers is '1'; expected a number >= 0"),
        ("workers = 1", "workers = true", "model 'safe': workers is True; expected a number >= 0"),
        ("workers = 1", "workers = 0", "model 'safe': workers is 0; expected at least 1"),
        ("states = 4", "states = -4", "model 'safe': states is -4; expected a number >= 0"),
        ('name = "safe"\n', "", "model 1: the key 'name' is missing"),
        ('name = "live"', 'name = "safe"', "model 'safe': there are two of this name"),
        ('name = "safe"', 'name = "mutants"', "and is not 'mutants'"),
        ('module = "Tiny"', 'module = "Huge"', "model 'safe': there is no .*Huge.tla"),
        ('config = "safe"', 'config = "unsafe"', "model 'safe': there is no .*unsafe.cfg"),
        ('"NeverDone"', '"Never"', "result is 'Never'; expected .* or what witness.cfg checks: TypeOK, NeverDone"),
        ('result = "ok"', 'result = "deadlock"', "a deadlock is found with deadlock = true only"),
        ("[[model]]", "[[modle]]", "must consist of tables \\[\\[model\\]\\]; there is 'modle'"),
        ("[[model]]", "[[model", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_on_one_line(folder, old, new, message):
    edit(folder, old, new)
    with pytest.raises(SpecError, match=message) as caught:
        read_manifest(folder / "manifest.toml")
    assert "\n" not in str(caught.value)


def test_a_missing_manifest_is_said_on_one_line(tmp_path):
    with pytest.raises(SpecError, match=r"manifest.toml can't be read: No such file"):
        read_manifest(tmp_path / "manifest.toml")


def test_figures_are_replaced_and_added_and_all_else_stays(folder):
    path = folder / "manifest.toml"
    before = path.read_text()
    write_figures(path, {"safe": {"states": 5}, "live": {"distinct": 7, "states": 1234}, "large": {"depth": 3}})

    assert path.read_text() == (
        before.replace("states = 4  # generated", "states = 5  # generated")
        .replace('note = "what must happen"', 'states = 1234\ndistinct = 7\nnote = "what must happen"')
        .replace('note = "what takes long"', 'depth = 3\nnote = "what takes long"')
    )


def test_a_manifest_that_can_not_be_updated_stays_as_it_is(folder):
    edit(folder, "# Of the tests.\n", "model = [\n")
    path = folder / "manifest.toml"
    path.write_text('model = [{name = "a", module = "Tiny", config = "safe", result = "ok", note = "on one line"}]\n')
    before = path.read_text()
    with pytest.raises(SpecError, match="must stand on a line of its own"):
        write_figures(path, {"a": {"states": 1}})
    assert path.read_text() == before


def test_a_configuration_names_what_it_checks():
    assert checked(CONFIG) == (["TypeOK", "Bound"], ["Served", "Lifo"])


def test_a_configuration_can_be_made_to_check_less():
    assert checked(only(CONFIG, "Lifo")) == ([], ["Lifo"])
    assert only(CONFIG, "Lifo").split() != CONFIG.split()
    assert "CONSTRAINT Small" in only(CONFIG, "Lifo")
