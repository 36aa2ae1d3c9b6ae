"""The whole road on one machine: real processes, an embedded broker, simulated devices, and the balance at the end."""
