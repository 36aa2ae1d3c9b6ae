"""Logs: an event is `noun.past_verb`, facts are keys with units. JSON unless stderr is a terminal.

WARNING = nothing lost. ERROR = data lost, or a person is needed. Never a key, a token or a payload secret.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _absent(package: str) -> Iterator[None]:
    """As if a package were not installed; nothing changes for one that is imported already."""
    is_hidden = package not in sys.modules
    if is_hidden:
        sys.modules[package] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        yield
    finally:
        if is_hidden:
            del sys.modules[package]


if sys.stderr.isatty():
    import structlog
else:  # structlog would take rich along, 4 MB for tracebacks in colour, which nobody sees
    with _absent("rich"):
        import structlog


def configure(*, level: str = "INFO", service: str = "", json: bool | None = None) -> None:
    """Set up structlog for this process; called once, in `cli`. `json=None`: JSON unless stderr is a terminal."""
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer(colors=True)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    if service:
        structlog.contextvars.bind_contextvars(service=service)


def get(module: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; `module` is its `__name__`."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(module=module)
    return logger
