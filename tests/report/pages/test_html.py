"""One page that asks for nothing, in which hostile text is text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.files.locations import SOURCE_ROOT
from harness.records.run_folder import RunFolder
from harness.report.content.answer import Answer, Linked
from harness.report.content.cells import Cell
from harness.report.pages.html import render_html
from harness.report.pages.markdown import render_markdown
from harness.report.parts.blocks import Bullets, Code, Folded, Paragraph, Report, Section, Subheading, Table
from harness.report.parts.report import report_of

REFERENCE = RunFolder(SOURCE_ROOT / "results" / "reference-cpu")
HOSTILE = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\x1b[31mred",
        "| a | b |",
        "{{ 7*7 }}",
        "```",
    ]
)


class Seen(HTMLParser):
    """The elements, texts and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        (self.scripts if self.tags and self.tags[-1] == "script" else self.texts).append(data)


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    return parser


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(report_of(REFERENCE, drawn=True))


def test_the_page_is_small_and_the_same_each_time(page: str) -> None:
    assert len(page.encode()) < 2_000_000
    assert render_html(report_of(REFERENCE, drawn=True)) == page


def test_nothing_in_the_page_makes_a_request(page: str) -> None:
    attributes = seen(page).attributes
    assert not [value for name, value in attributes if name in ("src", "srcset", "action", "background")]
    links = [value or "" for name, value in attributes if name == "href"]
    assert links
    assert all(link.startswith(("#", "../docs/")) for link in links)


def test_the_policy_allows_the_pages_own_scripts_and_no_other(page: str) -> None:
    (policy,) = (
        value or "" for name, value in seen(page).attributes if name == "content" and "script-src" in str(value)
    )
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(hashes) == 2
    assert all(f"'sha256-{digest}'" in policy for digest in hashes)
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_the_page_says_what_the_markdown_says(page: str) -> None:
    report = report_of(REFERENCE, drawn=True)
    text = " ".join(" ".join(seen(page).texts).split())
    markdown = render_markdown(report, "figures")
    for section in report.sections:
        assert section.title in text
        assert f"## {section.title}" in markdown
    for answer in report.answers:
        assert all(sentence in text and f"- {sentence}" in markdown for sentence in answer.sentences)


def of_hostile(text: str) -> Report:
    blocks = (
        Paragraph(text=text),
        Bullets(items=[text]),
        Table(
            headings=(text,), rows=[(text,), (Cell(text=text, muted=f"below {text}", more=f"more {text}", tone="up"),)]
        ),
        Code(text=text),
        Subheading(text=text),
        Folded(title=text, blocks=(Paragraph(text=text),)),
    )
    return Report(
        title=text,
        about=f"about {text}",
        answers=[Answer(sentences=(text,), trust=(Linked(text=text, to=f"a {text}"),), about=f"run {text}")],
        sections=[Section(title="a part", blocks=blocks), Section(title=f"b {text}", blocks=blocks, folded=True)],
    )


@settings(deadline=None, max_examples=60)
@given(HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    harmless = seen(render_html(of_hostile("harmless")))
    hostile = seen(render_html(of_hostile(text)))
    assert hostile.tags == harmless.tags
    assert {name for name, _ in hostile.attributes} == {name for name, _ in harmless.attributes}
    assert hostile.scripts == harmless.scripts


@settings(deadline=None)
@given(HOSTILE)
def test_hostile_text_cannot_break_a_table_or_a_page_of_markdown(text: str) -> None:
    harmless, hostile = (outside_code(render_markdown(of_hostile(words), "figures")) for words in ("harmless", text))
    cells = [
        [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")] for lines in (harmless, hostile)
    ]
    assert cells[0] == cells[1]
    marked = [[line[:9] for line in lines if line.startswith("<")] for lines in (harmless, hostile)]
    assert (
        marked[0] == marked[1] == [*["<details>", "</details"], "<details>", *["<details>", "</details"], "</details"]
    )


def outside_code(markdown: str) -> list[str]:
    """The lines that are not inside a fence; a fence ends with one of its own length."""
    lines, fence = [], ""
    for line in markdown.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif found := re.match(r"`{3,}$", line):
            fence = found[0]
        else:
            lines.append(line)
    assert not fence
    return lines
