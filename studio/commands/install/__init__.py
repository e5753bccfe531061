"""`bookai install`, `bookai uninstall`, `bookai postgres`: the studio under systemd."""
