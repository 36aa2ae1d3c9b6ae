"""What a browser is told that asks for a page that does not exist: in French, with the way back."""

from urllib.parse import quote

from fastapi import Request
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

_FOR_SCRIPTS = ("/api/", "/_nicegui/")
_PAGE = """<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Page introuvable · Beffroi</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.25rem;color:#1c2733}}
a{{display:inline-block;padding:.6rem 0;color:#0072b2}}</style></head>
<body><h1>Page introuvable</h1><p>Cette adresse ne mène à rien ici.</p>
<p><a href="{home}">Revenir à la carte</a></p></body></html>
"""


async def not_found(request: Request, exception: Exception) -> Response:
    """A page for people; a script gets JSON."""
    path = request.url.path.removeprefix(str(request.scope.get("root_path", "")))
    if isinstance(exception, HTTPException) and path.startswith(_FOR_SCRIPTS):
        return await http_exception_handler(request, exception)
    prefix = quote(request.headers.get("X-Forwarded-Prefix", "").strip("/"))  # of a proxy; anyone may send it
    home = f"/{prefix}/" if prefix else "/"
    return HTMLResponse(_PAGE.format(home=home), 404)
