"""The forms of a report: no fault hidden, every place exact, no word of a document believed."""

import json
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import sarif_schema
from check_reports import DOCUMENT, EXAMPLE, RIGHT, VERDICTS, judged, matrix
from hypothesis import given, settings
from hypothesis import strategies as st

import symbptt
from symbptt.check.documents.document import Document
from symbptt.check.documents.formulas import formulas
from symbptt.check.findings import FAULTS, Finding, Report, Verdict
from symbptt.check.judging import check_document
from symbptt.check.reports import CLASSES, FORMATS, Options, webpage, written
from symbptt.check.reports.options import class_of, selected
from symbptt.check.reports.source import one_line, shortened
from symbptt.errors import RequestError
from symbptt.render.mathml import mathml
from symbptt.templating import folder, words

REPORT = judged(DOCUMENT)
SCHEMA = json.loads((files("symbptt.check.reports") / "report.schema.json").read_text("utf-8"))
#: Texts with what HTML, JSON, terminals and templates take for theirs.
TEXTS = st.text(
    st.sampled_from("ab=_^{}\\<>&\"'`$%#- \n") | st.characters(codec="utf-8"), max_size=60
) | st.sampled_from(
    ["<script>alert(1)</script>", "<< 7*7 >>", "<% raw %>", "\x1b[31m", '"><img src=x onerror=y>']
)


def document_with(text):
    """A report on a document that holds a text in all of its places."""
    document = Document(f"{text}\n\n$$g_{{wrong}} = a$$\n\n{text}\n", "notes.md")
    report = judged(document)
    verdict = replace(VERDICTS["wrong"], reason=text)
    findings = tuple(
        replace(f, verdict=verdict) if f.verdict is not None else f for f in report.findings
    )
    return replace(report, findings=findings, notes=(text,))


def test_the_example_has_every_class():
    assert {class_of(f) for f in REPORT.findings} == set(CLASSES)


# -- text ---------------------------------------------------------------------------------------


def test_text_by_default_lists_what_a_reader_may_act_on():
    text = written([REPORT])
    found = re.findall(r"^notes\.md:\d+:\d+: ([a-z-]+): ", text, re.MULTILINE)
    assert found == ["wrong", "shape-error", "inconclusive", "right-under", "unparsed"]
    assert "notes.md:5:1: wrong: g_{wrong} = a_t + b_t — the state is that of step t\n" in text
    assert "read as delta: δ_t is the gradient by z_t" in text
    assert f"corrected: {RIGHT} (index off by one)" in text
    assert "corrected: a = b (as the derivation has it)" in text
    assert "note: the loss is not stated" in text
    assert "g_{right}" not in text


def test_text_draws_a_counterexample():
    text = written([REPORT])
    expected = """\
    counterexample: n = 2; T = 2, t = 1
      h_0 = ⎡ 0 ⎤    W = ⎡   1  -2 ⎤    c = 7
            ⎣ 1 ⎦        ⎣ 1/2   3 ⎦
      left side = ⎡ 0  1 ⎤    right side = ⎡ 0    1 ⎤
                  ⎣ 2  3 ⎦                 ⎣ 2  5/2 ⎦
      they differ in row 2, column 2
"""
    assert expected in text


def test_the_summary_counts_every_class():
    *_, last = written([REPORT]).splitlines()
    assert last == (
        "notes.md: 9 formulas: 1 definition, 1 in prose, 1 unparsed, 6 claims (2 wrong, "
        "1 shape-error, 1 inconclusive, 1 right-under, 1 right); 1 of these suppressed"
    )


def test_several_documents_are_added_up():
    *_, first, second, total = written([REPORT, judged("", "empty.md")]).splitlines()
    assert first.startswith("notes.md: 9 formulas")
    assert second.startswith("empty.md: 0 formulas")
    assert total.startswith("2 documents, 9 formulas")


def test_quiet_is_faults_and_notes():
    text = written([REPORT], "text", Options(quiet=True))
    heads = [line for line in text.splitlines() if line[:1] != " "]
    assert [line.split(": ")[1] for line in heads] == ["wrong", "shape-error", "note"]


def test_the_summary_is_wrapped_on_a_terminal_and_one_line_elsewhere():
    *_, whole = written([REPORT]).splitlines()
    assert len(whole) > 100
    shown = written([REPORT], "text", Options(excerpts=True, width=60)).splitlines()
    first = next(i for i, line in enumerate(shown) if line.startswith("notes.md: 9 formulas"))
    assert all(len(line) <= 60 for line in shown[first:])
    assert " ".join(line.strip() for line in shown[first:]) == whole


def test_quiet_and_strict_lists_what_is_right_under_a_reading():
    assert ": right-under: " in written([REPORT], "text", Options(quiet=True, strict=True))
    assert ": right-under: " not in written([REPORT], "text", Options(quiet=True))


def test_verbose_lists_what_is_right_and_the_evidence():
    text = written([REPORT], "text", Options(verbose=True))
    assert ": right: g_{right} = d\n" in text
    evidence = "both sides compared at 12 points, T = 1, 2, 3, m = 2, n = 3; error bound 1.0e-17"
    assert evidence in text
    assert "h_t = f(z_t)  (line 3)" in text


def test_select_picks_and_says_how_many_faults_it_leaves_out():
    text = written([REPORT], "text", Options(select=selected("wrong, suppressed")))
    assert re.findall(r"^notes\.md:\d+:\d+: ([a-z-]+)", text, re.MULTILINE) == [
        "wrong",
        "suppressed",
    ]
    assert "not listed: 1 fault, as others were selected" in text


def test_select_names_its_classes():
    with pytest.raises(RequestError, match=r"no class 'rong'; did you mean 'wrong'\?"):
        selected("rong")


def test_colour_changes_no_word():
    plain = written([REPORT], "text", Options(excerpts=True))
    colour = written([REPORT], "text", Options(excerpts=True, colour=True))
    assert "\x1b[1;31mwrong\x1b[0m" in colour
    assert re.sub(r"\x1b\[[\d;]*m", "", colour) == plain


def test_excerpts_point_at_the_formula():
    text = written([REPORT], "text", Options(excerpts=True))
    line, carets = text[text.index("    and \\(g_{shape}") :].splitlines()[:2]
    assert line[carets.index("^") : carets.rindex("^") + 1] == "g_{shape} = a_t"


@pytest.mark.parametrize(
    ("left", "right", "differ", "said"),
    [
        (matrix([1]), matrix([2]), ((1, 1),), None),
        (matrix([1, 2]), matrix([1, 3]), ((1, 2),), "they differ in column 2"),
        (matrix([1], [2]), matrix([1], [3]), ((2, 1),), "they differ in row 2"),
        (matrix([1, 2]), matrix([0, 0]), ((1, 1), (1, 2)), "they differ in every entry"),
        (matrix([1, 2]), matrix([1], [2]), (), "the left side is 1×2, the right side is 2×1"),
        (
            matrix(range(6), [0] * 6),
            matrix([9] * 6, [0] * 6),
            tuple((1, j) for j in range(1, 7)),
            "row 1, column 4; and 2 more",
        ),
    ],
)
def test_which_entries_differ(left, right, differ, said):
    example = replace(EXAMPLE, left=left, right=right, differ=differ)
    verdict = replace(VERDICTS["wrong"], counterexample=example)
    report = replace(REPORT, findings=(replace(REPORT.findings[2], verdict=verdict),))
    text = written([report])
    if said is None:
        assert "differ in" not in text
    else:
        assert said in text


def test_a_report_prints_as_text():
    assert str(REPORT) == written([REPORT], "text", Options(verbose=True)).rstrip("\n")


def test_a_claim_that_nobody_judged_is_not_lost():
    finding = replace(REPORT.findings[2], verdict=None)
    assert ": inconclusive: g_{wrong}" in written([replace(REPORT, findings=(finding,))])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$$\n\\begin{aligned}\na &= b\\label{e} \\\\\n\\end{aligned}\n$$", "a = b"),
        ("$$a\n= b$$", "a = b"),
        ("$\\begin{bmatrix} a & b \\end{bmatrix}$", "\\begin{bmatrix} a & b \\end{bmatrix}"),
    ],
)
def test_a_formula_in_one_line(text, shown):
    document = Document(text, "notes.md")
    assert one_line(Finding(formulas(document)[0], "prose"), document) == shown


@given(st.text(max_size=200), st.integers(4, 80))
def test_shortened_fits_and_begins_as_the_text_does(text, width):
    text = " ".join(text.split())
    short = shortened(text, width)
    assert len(short) <= width
    assert text.startswith(short.removesuffix(" …"))


@given(TEXTS)
def test_no_text_steers_a_terminal(text):
    lines = written([document_with(text)], "text", Options(excerpts=True)).split("\n")
    assert all(line.isprintable() for line in lines)


# -- JSON ---------------------------------------------------------------------------------------


def data(*reports, **options):
    whole = json.loads(written(reports, "json", Options(**options)))
    jsonschema.Draft202012Validator(SCHEMA).validate(whole)
    return whole


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_json_has_everything():
    whole = data(REPORT)
    assert whole["document"] == "notes.md"
    assert whole["model"] == {"name": None, "equations": [{"text": "h_t = f(z_t)", "line": 3}]}
    assert whole["summary"] == REPORT.summary
    assert len(whole["formulas"]) == 9
    (wrong, quoted) = (f for f in whole["formulas"] if f["verdict"] == "wrong")
    assert (wrong["line"], wrong["column"], wrong["kind"]) == (5, 1, "claim")
    assert wrong["correction"]["origin"] == "repair"
    assert wrong["counterexample"]["given"]["W"] == [[1, -2], ["1/2", 3]]
    assert wrong["suppressed"] is None
    assert quoted["suppressed"] == "quoted"


def test_json_of_several_documents():
    whole = data(REPORT, REPORT)
    assert [r["document"] for r in whole["reports"]] == ["notes.md"] * 2
    assert whole["summary"]["wrong"] == 4


def test_json_of_what_is_selected():
    whole = data(REPORT, select=frozenset({"unparsed"}))
    assert [f["kind"] for f in whole["formulas"]] == ["unparsed"]
    assert whole["formulas"][0]["reason"]
    assert whole["summary"]["wrong"] == 2


@pytest.mark.parametrize("change", [{"verdict": "rihgt"}, {"line": 0}, {"kind": "prose"}, {"x": 1}])
def test_the_schema_refuses(change):
    whole = data(REPORT, select=frozenset({"wrong"}))
    whole["formulas"][0] |= change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(whole)


@settings(max_examples=50)
@given(TEXTS)
def test_json_points_at_the_source(text):
    report = document_with(text)
    lines = report.document.text.split("\n")
    for formula in data(report)["formulas"]:
        first, last = formula["line"] - 1, formula["end_line"] - 1
        stretch = lines[first : last + 1]
        stretch[-1] = stretch[-1][: formula["end_column"] - 1]
        stretch[0] = stretch[0][formula["column"] - 1 :]
        assert "\n".join(stretch) == formula["source"]


def notebook(*lines):
    cell = {"cell_type": "markdown", "metadata": {}, "source": list(lines)}
    code = {"cell_type": "code", "metadata": {}, "source": ["x = 1"], "outputs": []}
    book = {"cells": [code, cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1)


def test_a_formula_of_a_notebook_is_read_out_of_json():
    report = judged(notebook("Then\n", "$$g_{wrong} = \\alpha\n", " + b$$"), "book.ipynb")
    (formula,) = data(report)["formulas"]
    assert formula["formula"] == "g_{wrong} = \\alpha\n + b"
    assert formula["source"].startswith("g_{wrong} = \\\\alpha\\n")
    assert formula["cell"] == 2
    assert ": wrong: g_{wrong} = \\alpha + b —" in written([report])


def test_a_part_that_stands_elsewhere_is_shown_as_its_formula():
    finding = replace(REPORT.findings[2], part="not there", line=99, column=5)
    (formula,) = data(replace(REPORT, findings=(finding,)))["formulas"]
    assert formula["source"] == "g_{wrong} = a_t + b_t"


def test_the_page_sets_names_as_mathematics():
    assert webpage._symbol("delta_y_1") == "δ<sub>y, 1</sub>"
    assert webpage._symbol("∂L/∂W_xh_2") == "∂L/∂W<sub>xh, 2</sub>"
    assert webpage._symbol("<b>_&") == "&lt;b&gt;_&amp;"


def test_the_page_sets_a_part_of_cases_and_a_name_with_underscores():
    document = Document("")
    assert "\\begin" not in str(webpage._set(r"h_t = \begin{cases} a_t & t = T", document))
    assert "pt" not in str(webpage._set(r"\begin{cases} a \\[3pt] b \end{cases}", document))
    assert "soft_max</mtext>" in str(webpage._set(r"\mathrm{soft\_max}(y)", document))


# -- SARIF --------------------------------------------------------------------------------------


def sarif(*reports, **options):
    """A log, checked for what the standard requires of each of its parts."""
    log = json.loads(written(reports, "sarif", Options(version="0.1.0", **options)))
    jsonschema.validate(log, sarif_schema.LOG)
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "symbptt"
    for rule in driver["rules"]:
        assert rule["id"]
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result.get("kind", "fail") == "fail" or result["level"] == "none"
        for location in result["locations"]:
            place = location["physicalLocation"]
            assert place["artifactLocation"]["uri"]
            region = place["region"]
            snippet = region.pop("snippet")["text"]
            assert any(snippet in report.document.text for report in reports)
            begin = region["startLine"], region["startColumn"]
            assert (1, 1) <= begin < (region["endLine"], region["endColumn"])
        for fix in result.get("fixes", ()):
            for change in fix["artifactChanges"]:
                assert change["artifactLocation"] == place["artifactLocation"]
                assert [r["deletedRegion"] for r in change["replacements"]] == [region]
        for suppression in result.get("suppressions", ()):
            assert suppression["kind"] in {"inSource", "external"}
    return run["results"]


def test_sarif_levels_and_places():
    results = sarif(REPORT)
    assert [(r["ruleId"], r["level"]) for r in results] == [
        ("wrong", "error"),
        ("shape-error", "error"),
        ("inconclusive", "warning"),
        ("right-under", "note"),
        ("unparsed", "note"),
        ("wrong", "error"),
    ]
    region = results[1]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 7, "startColumn": 7, "endLine": 7, "endColumn": 22}
    assert results[0]["message"]["text"] == (
        f"Wrong: the state is that of step t. Corrected: {RIGHT} (index off by one)"
    )


def test_sarif_keeps_what_is_suppressed():
    *others, last = sarif(REPORT)
    assert last["suppressions"] == [{"kind": "inSource", "justification": "quoted"}]
    assert not any("suppressions" in r for r in others)


def test_sarif_strict_and_verbose():
    assert "error" in {
        r["level"] for r in sarif(REPORT, strict=True) if r["ruleId"] == "right-under"
    }
    assert [r["kind"] for r in sarif(REPORT, verbose=True) if r["ruleId"] == "right"] == ["pass"]


def applied(report):
    """The document with the fixes of a log put in."""
    text = report.document.text
    lines = [0, *(m.end() for m in re.finditer("\n", text))]
    changes = [
        r for result in sarif(report) for fix in result.get("fixes", ())
        for change in fix["artifactChanges"] for r in change["replacements"]
    ]  # fmt: skip
    for change in reversed(changes):
        region = change["deletedRegion"]
        start = lines[region["startLine"] - 1] + region["startColumn"] - 1
        stop = lines[region["endLine"] - 1] + region["endColumn"] - 1
        text = text[:start] + change["insertedContent"]["text"] + text[stop:]
    return text


def test_a_fix_is_exact():
    assert applied(judged("a\n$$g_{wrong} =\nb$$\nc\n")) == f"a\n$${RIGHT}$$\nc\n"


def test_a_fix_of_a_notebook_leaves_a_notebook():
    text = applied(judged(notebook("Then\n", "$$g_{wrong} = \\alpha\n", " + b$$"), "book.ipynb"))
    assert "".join(json.loads(text)["cells"][1]["source"]) == f"Then\n$${RIGHT}$$"


def test_a_fix_of_a_page_is_escaped():
    verdict = replace(
        VERDICTS["wrong"], correction=replace(VERDICTS["wrong"].correction, text="a < b")
    )
    report = judged("<html><p>$g_{wrong} = b$</p></html>", "page.html")
    report = replace(report, findings=tuple(replace(f, verdict=verdict) for f in report.findings))
    assert applied(report) == "<html><p>$a &lt; b$</p></html>"


def test_no_fix_where_the_formula_goes_on_from_the_one_above():
    assert "fixes" not in sarif(judged("$$a = b$$\n\n$$= g_{wrong}$$\n"))[0]


@pytest.mark.parametrize(
    ("file", "uri"),
    [("my notes/ü.md", "my%20notes/%C3%BC.md"), (None, "stdin"), ("<stdin>", "stdin")],
)
def test_sarif_addresses(file, uri):
    (result,) = sarif(judged("$g_{wrong} = b$", file))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


# -- the page -----------------------------------------------------------------------------------


class Page(HTMLParser):
    """The elements of a page, and the text of its document."""

    def __init__(self, text):
        super().__init__()
        self.seen, self.lines, self.depth, self.marks = [], [], 0, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.seen.append((tag, attrs))
        if self.depth:
            self.depth += 1
            if tag == "mark":
                self.marks.append(attrs["class"])
        elif tag == "div" and attrs.get("class") == "line":
            self.depth = 1
            self.lines.append("")

    def handle_endtag(self, tag):
        self.depth -= bool(self.depth)

    def handle_data(self, data):
        if self.depth:
            self.lines[-1] += data

    def count(self, tag):
        return sum(t == tag for t, _ in self.seen)


def page(*reports):
    return written(reports, "html")


EMPTY = Page(page(judged("")))


def test_the_page_marks_every_formula_and_keeps_the_text():
    shown = Page(page(REPORT))
    assert "\n".join(shown.lines) == DOCUMENT
    assert shown.marks == [class_of(f) for f in REPORT.findings]


def test_the_page_says_what_was_found():
    text = page(REPORT)
    for words_ in ("2 faults found", "the state is that of step t", "index off by one", "quoted",
                   "δ_t is the gradient by z_t", "q is not defined", "the loss is not stated"):  # fmt: skip
        assert words_ in text
    assert text.count('class="cell differs"') == 2 * 2  # the suppressed one shows its too
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in text


def test_links_of_the_page_lead_somewhere():
    shown = Page(page(REPORT, REPORT))
    ids = [a["id"] for _, a in shown.seen if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for t, a in shown.seen if t == "a"} <= set(ids)


def test_formulas_that_overlap_are_one_mark_of_the_gravest_class():
    first, *_ = REPORT.findings
    more = (first, Finding(first.formula, "claim", VERDICTS["right"]),
            Finding(first.formula, "claim", VERDICTS["wrong"]))  # fmt: skip
    shown = Page(page(replace(REPORT, findings=more)))
    assert shown.marks == ["wrong"]


def test_the_page_of_a_notebook_shows_its_cells():
    shown = Page(page(judged(notebook("Then\n", "$$g_{wrong} = \\alpha$$"), "book.ipynb")))
    assert shown.lines == ["Then", "$$g_{wrong} = \\alpha$$"]
    assert shown.marks == ["wrong"]


@settings(max_examples=100)
@given(TEXTS)
def test_the_page_believes_no_text(text):
    shown = Page(page(document_with(text)))
    assert shown.count("script") == 1
    assert not {t for t, _ in shown.seen} & {"img", "iframe", "object", "link", "form", "b"}
    assert not any(name.startswith("on") for _, attrs in shown.seen for name in attrs)
    if "\r" not in text and "\0" not in text:
        assert "\n".join(shown.lines) == f"{text}\n\n$$g_{{wrong}} = a$$\n\n{text}\n"


@pytest.mark.parametrize("place", ["correction", "reading", "counterexample", "suppressed", "name"])
def test_no_part_of_a_verdict_is_believed(place):
    evil = '</pre></details><script>alert("1")</script>'
    verdict = VERDICTS["wrong"]
    report = REPORT
    if place == "correction":
        verdict = replace(
            verdict, correction=replace(verdict.correction, text=rf"\text{{{evil}}}", mistake=evil)
        )
    elif place == "reading":
        verdict = replace(
            verdict, readings=(replace(VERDICTS["under"].readings[0], name=evil, says=evil),)
        )
    elif place == "counterexample":
        verdict = replace(
            verdict, counterexample=replace(EXAMPLE, given={evil: matrix([1])}, sizes={evil: 1})
        )
    elif place == "name":
        report = replace(REPORT, document=Document(DOCUMENT, f"{evil}.md"), model_name=evil)
    why = evil if place == "suppressed" else None
    findings = (replace(REPORT.findings[2], verdict=verdict, suppressed=why),)
    shown = Page(page(replace(report, findings=findings)))
    assert shown.count("script") == 1


def test_the_script_of_the_page_is_the_one_that_its_policy_allows():
    import base64
    import hashlib

    text = page(REPORT)
    script = text[text.index("<script>") + 8 : text.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>alert(1)</script>}", r"\href{javascript:alert(1)}{x}", r"a &lt;script&gt; b",
        r"\style{background:url(//x)}{x}", r"\class{card}{x}", r"\color{red;x:y}{x}", "a < b",
    ],
)  # fmt: skip
def test_mathml_is_nothing_but_mathml(latex):
    made = mathml(latex)
    if made is None:
        return
    parsed = Page(made)
    assert {t for t, _ in parsed.seen} <= {"math", "mrow", "mi", "mo", "mn", "mtext", "mstyle"}
    assert not {"href", "style", "class", "mathcolor"} & {
        n for _, attrs in parsed.seen for n in attrs
    }


@given(TEXTS | st.text(r"\{}_^abfrctlexhdisy<>&;\" ", max_size=60))
def test_mathml_of_any_text_is_safe(latex):
    made = mathml(latex)
    if made is not None:
        assert {t[0] for t, _ in Page(made).seen} == {"m"}


def test_what_the_converter_does_not_know_stays_source():
    assert mathml(r"a = \unknown{b}") is None


@pytest.mark.slow
def test_a_browser_shows_the_page(tmp_path):
    (tmp_path / "page.html").write_text(page(REPORT), encoding="utf-8")
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--dump-dom", str(tmp_path / "page.html")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert 'class="card wrong"' in done.stdout


# -- all ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_every_form_of_an_empty_report(format):
    assert written([judged("", None)], format)


def test_every_class_has_its_words():
    for kind in CLASSES:
        assert words("check/words.j2", "label", kind)
        assert words("check/words.j2", "meaning", kind)


def test_every_template_is_used():
    package = Path(str(files("symbptt.check")))
    users = [*package.rglob("*.py"), *(folder() / "check").iterdir()]
    text = "".join(path.read_text("utf-8") for path in users)
    unused = [p.name for p in (folder() / "check").iterdir() if f"check/{p.name}" not in text]
    assert not unused


@pytest.mark.parametrize("verdict", sorted(FAULTS))
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "options", [Options(), Options(quiet=True), Options(verbose=True), Options(strict=True)]
)
def test_no_fault_is_hidden(verdict, format, options):
    document = Document("$q = UNIQUE_t$", "notes.md")
    finding = Finding(formulas(document)[0], "claim", Verdict(verdict))
    text = written([Report(document, (finding,))], format, options)
    assert "UNIQUE" in text
    assert verdict in text or verdict.replace("-", " ") in text


def test_a_correction_is_set_without_signs_of_alignment():
    network = r"$$h_t = \tanh(W h_{t-1} + U x_t)$$"
    slope = r"\frac{\partial h_t}{\partial h_{t-1}} &= \mathrm{diag}(1 - h_t^2) W^T"
    text = f"{network}\n\n$$\\begin{{aligned}} {slope} \\end{{aligned}}$$\n"
    report = check_document(Document(text, "notes.md"))
    (fault,) = report.faults()
    assert "&" in fault.verdict.correction.text
    assert not re.search(r"<m[io]>&amp;</m[io]>", page(report))


def test_half_a_pair_of_surrogates_can_be_written():
    cell = {"cell_type": "markdown", "source": ["$q = \ud83d$ and \U0001f600"]}
    report = check_document(Document(json.dumps({"cells": [cell]}), "a.ipynb"))
    for format in FORMATS:
        assert written([report], format).encode()


def test_a_part_of_an_equation_is_called_by_what_it_is():
    text = r"""
$$r_t = \sigma(V h_{t-1}), \quad h_t = \tanh(W x_t + U (r_t \odot h_{t-1}))$$
$$\frac{\partial L}{\partial r_t} = \delta_t \odot h_{t-1}$$
$$\frac{\partial L}{\partial r_t} = \frac{\partial L}{\partial (r_t \odot h_{t-1})} \odot h_t$$
"""
    report = symbptt.check(text)
    verdicts = [f.verdict for f in report.findings if f.verdict]
    assert [v.verdict for v in verdicts] == ["right-under", "wrong"]
    assert verdicts[0].readings[0].name == "δ_t is ∂L/∂(r_t⊙h_t-1)"
    assert "∂L/∂(r_t⊙h_t-1)_1" in verdicts[1].counterexample.given
