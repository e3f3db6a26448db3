"""What stands in an HTML page, for tests: its elements, in order, with what encloses them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input", "hr"}
# The elements that a start tag ends, if one of them is what is open: HTML lets their end tags out.
ENDS = {
    "p": "p div h1 h2 h3 h4 ul dl table section details pre figure", "td th": "td th", "td th tr": "tr", "td th tr thead tbody": "tbody",
    "p li": "li", "p dt dd": "dt dd", "option": "option",
}  # fmt: skip
ENDED_BY = {tag: set(ended.split()) for ended, tags in ENDS.items() for tag in tags.split()}
ENDLESS = set().union(*ENDED_BY.values())


@dataclass(eq=False)
class Element:
    name: str
    attributes: dict[str, str]
    within: tuple[Element, ...]
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def inside(self, name: str, **attributes: str) -> bool:
        return any(e.name == name and attributes.items() <= e.attributes.items() for e in self.within)

    def styled(self, name: str) -> str:
        """The text of `--name:"text"` in its own style or in that of what it stands in."""
        for element in (self, *reversed(self.within)):
            if found := re.search(rf'--{name}:("(?:[^"\\]|\\.)*")', element.attributes.get("style", "")):
                return json.loads(found[1])
        return ""


@dataclass(eq=False)
class Document(HTMLParser):
    """Every element of a page. A tag that is closed in the wrong order is an error, one that is not closed
    where HTML needs it too."""

    html: str
    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()
        assert not self.open, f"<{self.open[-1].name}> is never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self.open and self.open[-1].name in ENDED_BY.get(tag, ()):
            self.open.pop()
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1].name != tag and self.open[-1].name in ENDLESS:
            self.open.pop()
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.pieces.append(data)

    def all(self, name: str) -> list[Element]:
        return [e for e in self.elements if e.name == name]

    @property
    def ids(self) -> list[str]:
        return [e.attributes["id"] for e in self.elements if "id" in e.attributes]

    def inside(self, name: str) -> list[tuple[Element, list[Element]]]:
        """Every element of that name, with all that is in it."""
        found: dict[Element, list[Element]] = {e: [] for e in self.all(name)}
        for element in self.elements:
            for outer in element.within:
                if outer.name == name:
                    found[outer].append(element)
        return list(found.items())


@cache
def read(html: str) -> Document:
    return Document(html)
