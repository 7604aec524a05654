"""Brings the loopback interface up where it is down, as in the empty network that `unshare -n` gives."""

from __future__ import annotations

import socket
import struct
import sys

GET_FLAGS, SET_FLAGS = 0x8913, 0x8914  # SIOCGIFFLAGS and SIOCSIFFLAGS of Linux
IS_UP = 0x1


def raise_loopback() -> None:
    """Do nothing where it is up already or on another system; OSError where this process may not do it."""
    if sys.platform != "linux":
        return
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        (flags,) = struct.unpack_from("h", answer, 16)
        if not flags & IS_UP:
            fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", flags | IS_UP))
