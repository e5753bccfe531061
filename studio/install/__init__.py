"""Put the studio under systemd: its units, their sandbox, their secrets, and the way back."""
