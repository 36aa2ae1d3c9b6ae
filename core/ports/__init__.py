"""What touches the machine and every service shares: the clock, the control socket, the MQTT connection.

The rest of `core` has no socket, thread or clock, and never imports this package (a contract of import-linter).
"""
