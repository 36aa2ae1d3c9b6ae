"""Plain HTML elements with text, for what NiceGUI offers only as styled widgets."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, cast

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from cloud.page import symbols
from core.territory import Kind


class Text(TextElement):
    """One HTML tag around a text; setting `text` reaches the browser only when it differs."""

    def __init__(self, tag: str, text: str = "", css: str = "") -> None:
        super().__init__(tag=tag, text=text)
        if css:
            self.classes(css)


def box(tag: str, css: str = "", **attributes: str) -> Element:
    """An HTML tag to be filled; `aria_label="…"` becomes `aria-label`."""
    element = Element(tag).classes(css)
    for name, text in attributes.items():
        element.props[name.replace("_", "-")] = text
    return element


def button(css: str, on_click: Callable[[], Any], **attributes: str) -> Element:
    """A real button: reached by keyboard, said as one by a screen reader."""
    return box("button", css, type="button", **attributes).on("click", on_click, args=[])


def symbol(kind: Kind, state: StrEnum, *, night: bool = False) -> Element:
    return markup(symbols.svg(kind, state, night=night), "symbol-box")


def markup(html: str, css: str) -> Element:
    """HTML of ours, never a text from outside."""
    return cast("Element", ui.html(html, sanitize=False, tag="span").classes(css))


def mark(element: Element, name: str, value: str) -> None:
    """Set an attribute; it reaches the browser only when it differs."""
    if element.props.get(name) != value:
        element.props[name] = value
