"""Mutants: which there are, what they are, and what becomes of them."""

from __future__ import annotations

import textwrap

import pytest

from spec.command import run
from spec.errors import SpecError
from spec.manifest import read_manifest
from spec.mutants import mutants_of
from spec.report import Equivalent, markdown, summary
from spec.tlc import Outcome
from spec.verdicts import MOST, TIMES, Judge, Verdict
from tests.spec.conftest import TINY


def module(body, before="", after=""):
    parts = ("---- MODULE M ----", before, r"\* ---- actions ----", textwrap.dedent(body).strip("\n"))
    return "\n".join((*parts, r"\* ---- properties ----", after, "====", ""))


def changes(body, before="", also=()):
    """What each mutant does to the lines it is in, by name."""
    return {
        mutant.name.removeprefix("M:"): (mutant.before, mutant.after)
        for mutant in mutants_of("M", module(body, before), also)
    }


def operators(body, before=""):
    return {name: after for name, (_, after) in changes(body, before).items()}


def test_guards_are_dropped_and_negated_and_assignments_kept_the_same():
    assert changes("A(t) ==\n  /\\ Free(t)  \\* a comment\n  /\\ x' = y\n  /\\ UNCHANGED z") == {
        "A:1:drop": ("/\\ Free(t)", "/\\ TRUE"),
        "A:1:negate": ("/\\ Free(t)", "/\\ ~Free(t)"),
        "A:2:same": ("/\\ x' = y", "/\\ x' = x"),
    }


@pytest.mark.parametrize(
    ("guard", "negated"),
    [
        ("~closed", "closed"),
        ("closed", "~closed"),
        ("f[x](y)", "~f[x](y)"),
        ("t \\in S", "~(t \\in S)"),
        ("a \\/ b", "~(a \\/ b)"),
    ],
)
def test_a_negation_is_as_short_as_it_can_be(guard, negated):
    assert operators(f"A == /\\ {guard}\n     /\\ x' = x")["A:1:negate"] == f"A == /\\ {negated}"


@pytest.mark.parametrize(
    ("guard", "found"),
    [
        ("a < b", {"drop", "negate", "le"}),
        ("a <= b", {"drop", "negate", "lt"}),
        ("a =< b", {"drop", "negate", "lt"}),
        ("a > b", {"drop", "negate", "ge"}),
        ("a >= b", {"drop", "negate", "gt"}),
        ("a = b", {"drop", "ne"}),
        ("a # b", {"drop", "eq"}),
        ("a /= b", {"drop", "eq"}),
        ("a = b \\/ c = d", {"drop", "negate", "ne", "ne2"}),
        ('a = "b < c"', {"drop", "ne"}),
        ("a => b", {"drop", "negate"}),
        ("a \\in {x \\in S : x # y}", {"drop", "negate", "eq"}),
    ],
)
def test_each_comparison_is_swapped_and_one_alone_is_not_negated_twice(guard, found):
    names = operators(f"A ==\n  /\\ {guard}\n  /\\ x' = x")
    assert {name.rpartition(":")[2] for name in names} == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("n + 1", {"plus0": "n + 0", "plus2": "n + 2"}),
        ("n - 1", {"minus0": "n - 0", "minus2": "n - 2"}),
        ("n + 10", {}),
        ("TRUE", {"false": "FALSE"}),
        ("[f EXCEPT ![t] = FALSE]", {"true": "[f EXCEPT ![t] = TRUE]"}),
        ("[f EXCEPT ![t] = 1, !.a[u] = 2]", {}),
        ("[f EXCEPT ![t] = (a = b)]", {"ne": "[f EXCEPT ![t] = (a # b)]"}),
        ("Append(s, <<a, b>>)", {"prepend": "(<<<<a, b>>>> \\o s)"}),
        ("<<Res(a)>> \\o s[t]", {"append": "(s[t] \\o <<Res(a)>>)"}),
        ("Head(s)", {"last": "(s)[Len(s)]"}),
        ("Tail(s)", {"front": "SubSeq(s, 1, Len(s) - 1)"}),
        ("Last(f[t])", {"head": "Head(f[t])"}),
        ("Front(s)", {"tail": "Tail(s)"}),
        ("IF a THEN b ELSE c", {"swap": "IF ~a THEN b ELSE c"}),
        ("IF a = 1 THEN b ELSE c", {"ne": "IF a # 1 THEN b ELSE c"}),
    ],
)
def test_what_is_assigned_is_mutated(value, found):
    assert operators(f"A ==\n  /\\ x' = {value}\n  /\\ TRUE'") == {
        "A:1:same": "/\\ x' = x",
        **{f"A:1:{name}": f"/\\ x' = {after}" for name, after in found.items()},
    } | {"A:2:false": "/\\ FALSE'"}


def test_operators_that_the_module_defines_are_used():
    before = "Last(s) == s[Len(s)]\nFront(s) == SubSeq(s, 1, Len(s) - 1)"
    found = operators("A ==\n  /\\ x' = Head(Tail(s))", before)

    assert found["A:1:last"] == "/\\ x' = Last(Tail(s))"
    assert found["A:1:front"] == "/\\ x' = Head(Front(s))"


def test_what_calls_an_action_is_neither_dropped_nor_negated():
    assert operators("A ==\n  /\\ Goto(t)\n  /\\ Watch", "Watch == x' = y\nGoto(t) == Watch /\\ z") == {}


def test_an_assignment_ends_where_something_binds_less():
    assert operators("A == x' = 1 /\\ y' = IF a THEN 1 ELSE 2 /\\ b") == {
        "A:0:same": "A == x' = x /\\ y' = IF a THEN 1 ELSE 2 /\\ b",
        "A:0:same2": "A == x' = 1 /\\ y' = y",
        "A:0:swap": "A == x' = 1 /\\ y' = IF ~a THEN 1 ELSE 2 /\\ b",
    }


def test_conjuncts_are_numbered_in_the_order_of_the_text_also_within_each_other():
    found = changes(
        """
        A(t) ==
          /\\ p
          /\\ IF q
             THEN /\\ x' = 1
                  /\\ \\E i, j \\in S : r
             ELSE /\\ x' = 2
          /\\ LET y == Head(s) IN /\\ u
                                 /\\ v
          /\\ w
        """
    )
    assert {name: before for name, (before, _) in found.items() if "drop" in name or "same" in name} == {
        "A:1:drop": "/\\ p",
        "A:3:same": "THEN /\\ x' = 1",
        "A:4:drop": "/\\ \\E i, j \\in S : r",
        "A:5:same": "ELSE /\\ x' = 2",
        "A:6:drop": "/\\ LET y == Head(s) IN /\\ u /\\ v",
        "A:7:drop": "/\\ LET y == Head(s) IN /\\ u",
        "A:8:drop": "/\\ v",
        "A:9:drop": "/\\ w",
    }
    assert "A:6:last" in found


def test_lists_that_begin_after_an_edit_stay_in_line():
    (negated,) = [
        mutant
        for mutant in mutants_of("M", module("A ==\n  /\\ /\\ p  \\* why\n     /\\ q\n\n  /\\ x' = y"))
        if mutant.name == "M:A:1:negate"
    ]
    assert "\n  /\\ ~(/\\ p  \\* why\n       /\\ q)\n\n  /\\ x' = y\n" in negated.text


def test_a_conjunct_of_several_lines_is_dropped_whole():
    (dropped,) = [
        mutant
        for mutant in mutants_of("M", module("A ==\n  /\\ a\n     \\/ b\n  /\\ x' = y"))
        if mutant.name == "M:A:1:drop"
    ]
    assert "A ==\n  /\\ TRUE\n  /\\ x' = y\n" in dropped.text
    assert dropped.before == "/\\ a \\/ b"


def test_only_the_actions_between_the_marks_are_mutated():
    text = module(
        "Next == \\E t \\in S : A(t)\nA(t) ==\n  /\\ p\n  /\\ x' = y", "B == x' = 1", "C == x' = 2\nInv == x < 1"
    )
    assert {mutant.name.split(":")[1] for mutant in mutants_of("M", text)} == {"A"}


def test_other_definitions_are_mutated_on_demand():
    assert operators("Older(e) == IF e < Max THEN e + 1 ELSE e\nA == x' = Older(x)").keys() == {"A:0:same"}
    assert changes("Older(e) == IF e < Max THEN e + 1 ELSE e", also=["Older"]).keys() == {
        "Older:0:swap",
        "Older:0:le",
        "Older:0:plus0",
        "Older:0:plus2",
    }
    with pytest.raises(SpecError, match=r"M.tla has no definition of Younger between"):
        mutants_of("M", module("A == x' = 1"), ["Younger"])


def test_a_module_without_the_marks_is_refused():
    with pytest.raises(SpecError, match=r"M.tla has no part between"):
        mutants_of("M", "---- MODULE M ----\nA == x' = 1\n====\n")


def test_each_mutant_differs_from_the_module_and_from_all_others():
    texts = [mutant.text for mutant in mutants_of("Tiny", TINY)]
    assert len({TINY, *texts}) == len(texts) + 1


# What becomes of them.

ONE, TWO, *_ = mutants_of("Tiny", TINY)
ALL_STATES = Outcome("ok", 4, 4, 4)
WITNESSED = ["NeverDone"]


class Tlc:
    """Finds what it was told to; keeps what it was asked.

    `together` and `alone` say by model, and by mutant, what is violated, in its order; "error" ends a run. Without a
    word about it, all is well.
    """

    def __init__(self, together=(), alone=()):
        self.together, self.alone = dict(together), dict(alone)
        self.asked = []

    def check(self, model, *, replaced, settings=None, timeout=None):
        if settings is None:
            mutant = next(m for m in (ONE, TWO) if m.text == replaced["Tiny"])
            self.asked.append(model.name)
            outcome = self.alone.get(model.name, {}).get(mutant, ALL_STATES)
            return outcome if isinstance(outcome, Outcome) else Outcome(outcome, 4, 4, 3, errors=("it failed",))
        of_all = self.together.get(model.name, {})
        # The variants of a definition follow each other in the order of the mutants.
        mutants = [m for m in (ONE, TWO) if m.after.removeprefix("/\\ ") + "\n  /\\ n' = n + 1" in replaced["Tiny"]]
        self.asked.append((model.name, len(mutants)))
        printed = []
        for number, mutant in enumerate([*mutants, None], start=1):
            for name in of_all.get(mutant, WITNESSED if model.name == "witness" else []):
                if name == "error":
                    printed.append(f'<<"turn", {number}>>')
                    return Outcome("error", errors=("it failed",), printed=tuple(printed))
                printed.append(f'<<"mutant", {number}, "{name}", 3>>')
        return Outcome("ok", printed=tuple(printed))

    def stop(self):
        pass


def verdicts(folder, *first, full=(), live=(), together=(), alone=()):
    tlc = Tlc(together, alone)
    known = {model.name: model for model in read_manifest(folder / "manifest.toml")}
    models = [[known[name] for name in names] for names in (first, full, live)]
    found = Judge(tlc, folder, 1).judge(*(dict.fromkeys((ONE, TWO), its) for its in models), lambda _: None)
    return dict(found), tlc.asked


def test_what_a_property_kills_in_a_run_with_others_is_not_run_again(folder):
    found, asked = verdicts(folder, "safe", full=["safe"], live=["live"], together={"safe": {ONE: ["OneByOne"]}})

    assert found[ONE] == Verdict("killed", "OneByOne", "safe", 3)
    assert found[TWO] == Verdict("survives")
    assert asked == [("safe", 2), ("safe", 1), "live"]


def test_who_survives_is_run_at_last_on_what_must_hold_in_the_long_run(folder):
    found, _ = verdicts(folder, "safe", live=["live"], alone={"live": {ONE: "Ends"}})
    assert found[ONE] == Verdict("killed", "Ends", "live", 3)


def test_first_on_the_beginning_of_a_model_then_in_full(folder, monkeypatch):
    asked = []
    monkeypatch.setattr("spec.verdicts.schemata", lambda folder, model, alive, most: asked.append((model.name, most)))
    verdicts(folder, "safe", "witness", full=["safe"])
    assert asked == [("safe", MOST), ("witness", None), ("safe", TIMES * 4)]


def test_after_typeok_another_killer_is_looked_for(folder):
    found, _ = verdicts(folder, "safe", together={"safe": {ONE: ["TypeOK", "OneByOne"]}})
    assert found[ONE] == Verdict("killed", "OneByOne", "safe", 3)

    found, _ = verdicts(folder, "safe", full=["safe"], together={"safe": {ONE: ["TypeOK"]}})
    assert found[ONE] == Verdict("typed", "TypeOK", "safe", 3)


def test_an_error_of_evaluation_does_not_kill_and_the_others_begin_again(folder):
    found, asked = verdicts(folder, "safe", together={"safe": {ONE: ["error"], TWO: ["OneByOne"]}})

    assert found[ONE] == Verdict("stillborn", model="safe", why="it failed")
    assert found[TWO] == Verdict("killed", "OneByOne", "safe", 3)
    assert asked[:2] == [("safe", 2), ("safe", 1)]


def test_one_that_cannot_be_evaluated_alone_is_stillborn(folder):
    assert verdicts(folder, live=["live"], alone={"live": {ONE: "error"}})[0][ONE].kind == "stillborn"


def test_a_model_that_does_not_end_does_not_kill(folder):
    assert verdicts(folder, live=["live"], alone={"live": {ONE: "timeout"}})[0][ONE].kind == "too large"


def test_a_model_that_expects_a_violation_kills_if_there_is_none(folder):
    found, _ = verdicts(folder, "witness", together={"witness": {ONE: []}})

    assert found[ONE] == Verdict("killed", "NeverDone", "witness", why="not reached")
    assert found[TWO].kind == "survives"


def test_a_run_that_finds_fault_with_the_module_itself_judges_nothing(folder):
    with pytest.raises(SpecError, match=r"safe: without a mutant the run found \['OneByOne'\], not ok"):
        verdicts(folder, "safe", together={"safe": {None: ["OneByOne"]}})
    with pytest.raises(SpecError, match=r"witness: without a mutant the run found \[\], not NeverDone"):
        verdicts(folder, "witness", together={"witness": {None: []}})


def test_the_report_counts_and_lists_them():
    one, two, three, *_ = mutants_of("Tiny", TINY)
    judged = [(one, Verdict("killed", "P", "safe", 3)), (two, Verdict("survives")), (three, Verdict("stillborn"))]
    equivalents = {two.name: Equivalent(two.before, "a | b")}

    assert summary(judged, {}) == "Of 3 mutants 1 are killed, 1 stillborn (TLC can't evaluate them), 1 survive."
    assert summary(judged, equivalents).endswith("1 are killed, 1 equivalent, 1 stillborn (TLC can't evaluate them).")
    assert markdown(judged, equivalents)[2:] == [
        "| mutant | line | killed by | model | states |",
        "|---|---|---|---|---:|",
        "| `Tiny:Up:1:drop` | `/\\ n < 2` → `/\\ TRUE` | `P` | safe | 3 |",
        "",
        "| equivalent mutant | line | why |",
        "|---|---|---|",
        "| `Tiny:Up:1:negate` | `/\\ n < 2` → `/\\ ~(n < 2)` | a \\| b |",
    ]


# The command.

SETTINGS = """
[[module]]
name = "Tiny"
models = ["safe", "live"]
"""
EQUIVALENT = """
[[equivalent]]
mutant = "Tiny:Up:1:drop"
line = '/\\ n < 2'
why = "a test says so"
"""


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Run the command where all mutants are killed, but for some."""

    class Judging:
        def __init__(self, *_):
            pass

        def judge(self, first, full, live, begin):
            for mutant in first:
                survives = mutant.name in command.alive
                yield mutant, Verdict("survives") if survives else Verdict("killed", "OneByOne", "safe", 4)

    def command(*arguments):
        try:
            status = run(["mutants", *arguments], folder)
        except SystemExit as error:
            status = error.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    command.alive = set()
    (folder / "mutants.toml").write_text(SETTINGS)
    monkeypatch.setattr("spec.mutation.Judge", Judging)
    monkeypatch.setattr("spec.mutation.find_tools", lambda: None)
    return command


def test_a_model_to_be_run_in_full_must_have_figures(command, folder):
    (folder / "mutants.toml").write_text(SETTINGS + 'full = ["live"]\n')
    status, _, errors = command()
    assert (status, "model 'live' has no figures; python -m spec live --update" in errors) == (2, True)


def test_if_all_are_killed_the_status_is_0(command):
    status, out, _ = command()
    assert (status, out) == (0, "Of 12 mutants 12 are killed.\n")


def test_one_that_survives_is_status_1(command):
    command.alive = {"Tiny:Up:1:drop"}
    status, out, _ = command("--jobs", "1")

    assert status == 1
    assert out.splitlines()[:3] == [
        "Tiny:Up:1:drop: survives: ",
        "  - /\\ n < 2",
        "  + /\\ TRUE",
    ]


def test_one_that_is_said_to_be_equivalent_may_survive_and_must_not_be_killed(command, folder):
    (folder / "mutants.toml").write_text(SETTINGS + EQUIVALENT)
    command.alive = {"Tiny:Up:1:drop"}
    assert command()[:2] == (0, "Of 12 mutants 11 are killed, 1 equivalent.\n")

    command.alive = set()
    status, out, _ = command()
    assert status == 1
    assert out.startswith(
        "Tiny:Up:1:drop: is said to be equivalent, but is killed by OneByOne in safe after 4 states\n"
    )


def test_an_argument_is_about_one_line(command, folder):
    (folder / "mutants.toml").write_text(SETTINGS + EQUIVALENT.replace("n < 2", "n < 3"))
    status, _, err = command()

    assert status == 2
    assert err.endswith("equivalent 'Tiny:Up:1:drop': its line is now '/\\\\ n < 2'\n")


def test_some_can_be_chosen_and_listed(command):
    assert command("--only", "End:")[1] == "Of 6 mutants 6 are killed.\n"
    assert command("Tiny", "--list", "--only", "Up:2:plus0")[1] == (
        "Tiny:Up:2:plus0\n  - /\\ n' = n + 1\n  + /\\ n' = n + 0\n"
    )


def test_the_table_is_written_between_its_marks(command, folder):
    document = folder.parent / "docs" / "mutants.md"
    document.parent.mkdir()
    document.write_text("before\n<!-- specification mutants -->\nold\n<!-- end -->\nafter\n")
    assert command("--write")[0] == 0

    text = document.read_text()
    assert text.startswith("before\n<!-- specification mutants -->\n\nOf 12 mutants 12 are killed.\n\n| mutant |")
    assert text.endswith("|\n\n<!-- end -->\nafter\n")
    command("--write")
    assert document.read_text() == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Huge"], "mutants.toml has no module 'Huge'; it has Tiny\n"),
        (["--only", "Down"], "no mutant has 'Down' in its name; --list lists them\n"),
        (["--jobs", "0"], "--jobs takes a number >= 1\n"),
        (["--write"], "mutants.md can't be read: No such file or directory\n"),
    ],
)
def test_wrong_usage_is_status_2(command, arguments, message):
    status, out, err = command(*arguments)

    assert (status, out) == (2, "")
    assert err.endswith(message)


def test_what_was_found_is_kept_and_the_rest_can_be_run_alone(command, folder):
    document = folder.parent / "docs" / "mutants.md"
    document.parent.mkdir()
    document.write_text("<!-- specification mutants -->\n<!-- end -->\n")
    command.alive = {"Tiny:Up:1:drop"}
    assert "Of 6 mutants 5 are killed, 1 survive.\n" in command("--write", "--only", "Up:")[1]
    command.alive = set()
    assert "Of 6 mutants 5 are killed, 1 survive. 6 more have not been run yet." in document.read_text()

    assert command("--new", "--write")[1].startswith("Of 7 mutants 7 are killed.\n")
    assert "Of 12 mutants 12 are killed." in document.read_text()
    assert command("--new")[1].startswith("nothing is left to run\n")


def test_what_was_found_of_a_line_that_has_changed_counts_no_more(command, folder):
    (folder.parent / "docs").mkdir()
    (folder.parent / "docs" / "mutants.md").write_text("<!-- specification mutants -->\n<!-- end -->\n")
    command("--write")
    file = folder / "Tiny.tla"
    file.write_text(file.read_text().replace("n < 2", "n < 3"))

    assert command("--new", "--list")[1].count("Tiny:Up:1:") == 3


def test_a_document_without_the_marks_is_refused(command, folder):
    document = folder.parent / "docs" / "mutants.md"
    document.parent.mkdir()
    document.write_text("nothing\n")
    assert command("--write")[2].endswith(
        "has no lines '<!-- specification mutants -->' and '<!-- end -->' for the table\n"
    )


def test_tlc_judges_a_mutant(folder, tools, capsys):
    (folder / "mutants.toml").write_text(SETTINGS)
    assert run(["mutants", "--only", "Up:2:plus2"], folder) == 0
    assert capsys.readouterr().out == "Of 1 mutants 1 are killed.\n"
