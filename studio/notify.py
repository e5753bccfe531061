"""Tell systemd how the service is; a no-op where systemd did not start it."""

import logging
import os
import socket

logger = logging.getLogger(__name__)


def notify(state: str) -> bool:
    """Send one sd_notify(3) message such as `READY=1`; return whether somebody listens."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.settimeout(1)
        try:
            sender.sendto(state.encode(), address)
        except OSError as error:
            logger.warning("systemd does not hear us: %s", error)
            return False
    return True
