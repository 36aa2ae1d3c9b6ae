"""The embedded broker as a process of its own: `python -m beffroi.demo.broker PORT`. Loopback only."""

import logging
import sys

from iotcore import Broker

# rumqttd takes 20 KiB by default; 100 rows with their raw payloads and receptions are more
MAX_PAYLOAD_BYTES = 16 * 1024 * 1024


def serve(port: int) -> None:
    """Run the broker until the process is told to stop."""
    logging.basicConfig(level=logging.WARNING)
    # rumqttd names its tracing spans at level ERROR, several lines a packet
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    Broker(port=port, listen="127.0.0.1", max_payload_size=MAX_PAYLOAD_BYTES).run_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
