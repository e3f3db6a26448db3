"""What stands in an HTML page, for tests: its elements, in order, with what encloses them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input", "hr"}


@dataclass(eq=False)
class Element:
    name: str
    attributes: dict[str, str]
    within: tuple[Element, ...]
    text: str = ""

    def inside(self, name: str, **attributes: str) -> bool:
        return any(e.name == name and attributes.items() <= e.attributes.items() for e in self.within)


@dataclass(eq=False)
class Document(HTMLParser):
    """Every element of a page. A tag that is closed in the wrong order is an error."""

    html: str
    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()
        assert not self.open, f"<{self.open[-1].name}> is never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, tuple(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

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
