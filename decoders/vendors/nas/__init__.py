"""NAS (Nordic Automation Systems): street light controllers."""
