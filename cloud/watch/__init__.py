"""From readings to states and alarms."""
