#!/usr/bin/env python3
"""A wire between two network namespaces with a delay and a loss, for kernels without netem.

wire.py NAMESPACE_A NAMESPACE_B DELAY_MS LOSS_PERCENT: a TUN device in each, 10.77.0.1 and 10.77.0.2;
packets pass in both directions after the delay, but for those that are lost.
"""
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
CLONE_NEWNET = 0x40000000


def open_end(namespace, number):
    """A TUN device that lies in the namespace; the descriptor works from anywhere."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY)
    assert libc.setns(there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"wire", IFF_TUN | IFF_NO_PI))
    for words in (["addr", "add", f"10.77.0.{number}/24", "dev", "wire"],
                  ["link", "set", "wire", "up", "mtu", "1500"]):
        subprocess.run(["ip", *words], check=True)
    assert libc.setns(home, CLONE_NEWNET) == 0
    return device


def main():
    ends = [open_end(sys.argv[1], 1), open_end(sys.argv[2], 2)]
    delay, loss = float(sys.argv[3]) / 1000, float(sys.argv[4]) / 100
    print("ready", flush=True)
    under_way, number = [], 0
    while True:
        wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
        for device in select.select(ends, [], [], wait)[0]:
            packet = os.read(device, 65536)
            number += 1
            if random.random() >= loss:
                target = ends[1] if device == ends[0] else ends[0]
                heapq.heappush(under_way, (time.monotonic() + delay, number, target, packet))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, target, packet = heapq.heappop(under_way)
            try:
                os.write(target, packet)
            except BlockingIOError:
                pass  # the queue is full: the packet is lost


if __name__ == "__main__":
    main()
