"""How a command speaks: its result on stdout as text or as versioned JSON, everything else on stderr."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from core.errors import BeffroiError

__all__ = ["Json", "new_app", "note", "print_json", "print_text", "render_error", "table"]

JSON_VERSION = 1
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, for scripts.")]


def new_app(summary: str) -> typer.Typer:
    """A typer app as all of ours: plain help (rich would triple the start time), no completion commands."""
    return typer.Typer(
        help=summary,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def print_json(result: Mapping[str, Any]) -> None:
    """The result as one line of JSON with its `version`."""
    sys.stdout.write(json.dumps({"version": JSON_VERSION, **result}, ensure_ascii=False, default=str) + "\n")


def print_text(text: str) -> None:
    """A result for people."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Something beside the result (progress, advice), on stderr."""
    sys.stderr.write(text + "\n")


def table(rows: Sequence[tuple[str, ...]], *, header: tuple[str, ...] = ()) -> str:
    """Columns aligned by their widest cell; readable without colour."""
    lines = [header, *rows] if header else rows
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))] if lines else []
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def render_error(error: BeffroiError) -> str:
    """`error: what was seen`, then `hint: what to do next`."""
    return f"error: {error.message} [{error.code}]" + (f"\nhint: {error.hint}" if error.hint else "")
