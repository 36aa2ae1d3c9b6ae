"""`beffroi decode` and `beffroi codecs`: what a payload means, and which formats are known."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core import console
from core.console import Json
from core.errors import DecodeError, ExitCode, OperatorError
from core.model import Reading
from core.quantities import is_plausible, is_urgent, lookup
from decoders import registry
from decoders.codec import Codec
from decoders.event_file import FiledUplink, read_uplinks
from decoders.registry import Decoded

decode = console.new_app("Read one payload, or the uplinks of one recorded event, as the codec of its device does.")
codecs = console.new_app("The codecs: list, show.")


@decode.command(
    no_args_is_help=True,
    epilog="Examples: beffroi decode nas_ul20xx 61 83020202 · beffroi decode --event up.json",
)
def run(
    codec: Annotated[str, typer.Argument(help="Name of a codec; see `beffroi codecs list`.")] = "",
    port: Annotated[int | None, typer.Argument(help="f_port of the uplink, 0 to 255.", min=0, max=255)] = None,
    payload: Annotated[str, typer.Argument(metavar="HEX", help="The payload, two digits a byte.")] = "",
    event: Annotated[
        Path | None,
        typer.Option(help="A file with a ChirpStack event, or a recorded case. CODEC overrides its codec tag."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Read one payload, or the uplinks of one recorded event, as the codec of its device does."""
    if event is not None:
        if port is not None:
            raise OperatorError(
                "decode.usage", "--event brings its own port and payload", hint="leave out PORT and HEX"
            )
        _decode_file(codec, event, as_json=as_json)
        return
    if port is None or not payload:
        raise OperatorError("decode.usage", "a codec, a port and a payload are needed", hint="CODEC PORT HEX")
    found = registry.find(codec)
    body = parse_hex(payload)
    result = registry.decode(codec, port, body, received_ms=0)
    if as_json:
        console.print_json({"uplinks": [_as_object(result, port, body)]})
    else:
        _print_result(result, port)
    if result.error:
        raise DecodeError(result.error, result.reason, hint=_hint(result, found))


def parse_hex(text: str) -> bytes:
    """The bytes of hexadecimal digits; spaces, colons and dashes between them are allowed.

    Raises:
        OperatorError: `decode.hex`.
    """
    digits = text.replace(" ", "").replace(":", "").replace("-", "").removeprefix("0x")
    if len(digits) % 2:
        raise OperatorError(
            "decode.hex", f"the payload has {len(digits)} digits", hint="two digits make a byte: one is missing"
        )
    try:
        return bytes.fromhex(digits)
    except ValueError:
        wrong = next(digit for digit in digits if digit not in "0123456789abcdefABCDEF")
        raise OperatorError(
            "decode.hex", f"{wrong!r} is not a hexadecimal digit", hint="the payload in hex, not in base64"
        ) from None


def _decode_file(codec: str, path: Path, *, as_json: bool) -> None:
    uplinks = read_uplinks(path)
    if codec:
        registry.find(codec)
    results = [
        registry.decode(codec or uplink.codec, uplink.f_port, uplink.payload, uplink.received_ms) for uplink in uplinks
    ]
    if as_json:
        listed = [
            {**_about(uplink), **_as_object(result, uplink.f_port, uplink.payload)}
            for uplink, result in zip(uplinks, results, strict=True)
        ]
        console.print_json({"uplinks": listed})
    else:
        for uplink, result in zip(uplinks, results, strict=True):
            console.print_text(
                f"{uplink.dev_eui}  f_cnt {uplink.f_cnt}  {uplink.time}  {result.codec or 'no codec'}"
                f"  port {uplink.f_port}  {uplink.payload.hex() or 'empty'}"
            )
            _print_result(result, uplink.f_port)
            if result.error:
                console.print_text(f"not read: {result.reason} [{result.error}]")
            console.print_text("")
    failed = sum(bool(result.error) for result in results)
    if any(result.error == "codec.none" for result in results):
        console.note(f"hint: the event has no codec tag; name one: beffroi decode CODEC --event {path}")
    if failed:
        raise typer.Exit(ExitCode.REFUSED if failed == len(results) else ExitCode.PARTLY)


def _hint(result: Decoded, codec: Codec) -> str:
    if result.error == "decode.port":
        return f"its ports: {', '.join(map(str, codec.ports))}"
    return "another firmware of the same model may use another codec: `beffroi codecs list`"


def _print_result(result: Decoded, port: int) -> None:
    if result.readings:
        console.print_text(
            console.table(
                [(one.quantity, _shown(one), one.channel, _remark(one)) for one in result.readings],
                header=("quantity", "value", "channel", ""),
            )
        )
    elif not result.error:
        console.print_text("seen, no measurement" if port == 0 else "read, nothing to measure")


def _shown(reading: Reading) -> str:
    return lookup(reading.quantity).show(reading.value)


def _remark(reading: Reading) -> str:
    if is_urgent(reading.quantity, reading.value):
        return "urgent"
    return "" if is_plausible(reading.quantity, reading.value) else "out of range"


def _about(uplink: FiledUplink) -> dict[str, Any]:
    return {"dev_eui": uplink.dev_eui, "f_cnt": uplink.f_cnt, "time": uplink.time}


def _as_object(result: Decoded, port: int, payload: bytes) -> dict[str, Any]:
    return {
        "codec": result.codec,
        "domain": result.domain,
        "f_port": port,
        "payload": payload.hex(),
        "error": result.error,
        "reason": result.reason,
        "readings": [
            {
                "quantity": one.quantity,
                "value": one.value,
                "unit": lookup(one.quantity).unit,
                "channel": one.channel,
                "measured_ms": one.measured_ms,
                "plausible": is_plausible(one.quantity, one.value),
                "urgent": is_urgent(one.quantity, one.value),
            }
            for one in result.readings
        ],
    }


@codecs.command("list")
def list_codecs(as_json: Json = False) -> None:
    """Every codec: vendor, model, firmware, domain, ports, number of published payloads it was tested on."""
    if as_json:
        console.print_json({"codecs": [_described(codec) for codec in registry.CODECS]})
        return
    rows: list[tuple[str, ...]] = [
        (
            codec.id,
            codec.vendor,
            codec.model,
            codec.firmware,
            codec.domain.value,
            ",".join(map(str, codec.ports)),
            str(codec.vectors),
        )
        for codec in registry.CODECS
    ]
    console.print_text(
        console.table(rows, header=("codec", "vendor", "model", "firmware", "domain", "ports", "vectors"))
    )


@codecs.command("show", epilog="Example: beffroi codecs show nas_ul20xx")
def show_codec(
    name: Annotated[str, typer.Argument(help="Name of a codec; see `beffroi codecs list`.")],
    as_json: Json = False,
) -> None:
    """One codec: what it was read from, its ports, and every quantity it may give."""
    codec = registry.find(name)
    if as_json:
        console.print_json({"codec": _described(codec)})
        return
    facts: list[tuple[str, ...]] = [
        ("codec", codec.id),
        ("device", f"{codec.vendor} {codec.model}, firmware {codec.firmware}"),
        ("domain", codec.domain.value),
        ("source", codec.source),
        ("vectors", f"{codec.vectors} published payloads"),
        *((f"port {port}", meaning) for port, meaning in codec.ports.items()),
    ]
    console.print_text(console.table(facts))
    console.print_text("")
    listed = [lookup(quantity) for quantity in sorted(codec.quantities)]
    console.print_text(
        console.table(
            [(one.name, one.unit, one.label, ", ".join(sorted(one.states))) for one in listed],
            header=("quantity", "unit", "in French", "states"),
        )
    )


def _described(codec: Codec) -> dict[str, Any]:
    return {
        "name": codec.name,
        "version": codec.version,
        "id": codec.id,
        "vendor": codec.vendor,
        "model": codec.model,
        "firmware": codec.firmware,
        "domain": codec.domain.value,
        "native": True,
        "ports": {str(port): meaning for port, meaning in codec.ports.items()},
        "quantities": sorted(codec.quantities),
        "source": codec.source,
        "vectors": codec.vectors,
    }
