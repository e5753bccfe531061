"""Many videos from one file: rows in, folders of finished videos out, nothing published."""
