"""An operator's whole day by chat, with real videos: `python -m tests.conversation`."""
