"""Makes initramfs archives (newc cpio), with device nodes and no need for root.

    cpio.py OUT [NAME=SRC ...]    SRC is a path, node:MAJOR:MINOR, or dir"""

import os
import sys

DIR, FILE, LINK, NODE = 0o040000, 0o100000, 0o120000, 0o020000


class Cpio:
    """An archive that is being written. All in it belongs to root."""

    def __init__(self, path):
        self.f = open(path, "wb")
        self.ino = 0
        self.dirs = set()

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.ino += 1
        n = name.encode() + b"\0"
        fields = (self.ino, mode, 0, 0, 2 if mode & DIR else 1, 0, len(data), 0, 0, *rdev, len(n), 0)
        self.f.write(b"070701" + b"".join(b"%08X" % v for v in fields) + n)
        self.f.write(b"\0" * (-(110 + len(n)) % 4))
        self.f.write(data + b"\0" * (-len(data) % 4))

    def dir(self, name):
        name = name.strip("/")
        if name and name not in self.dirs:
            self.dir(os.path.dirname(name))
            self.dirs.add(name)
            self._entry(name, DIR | 0o755)

    def data(self, name, data, mode=0o644):
        self.dir(os.path.dirname(name))
        self._entry(name, FILE | mode, data)

    def node(self, name, major, minor):
        self.dir(os.path.dirname(name))
        self._entry(name, NODE | 0o600, rdev=(major, minor))

    def add(self, src, name):
        """Adds a file, a link or a whole tree under the given name."""
        if os.path.islink(src):
            self.dir(os.path.dirname(name))
            self._entry(name, LINK | 0o777, os.readlink(src).encode())
        elif os.path.isdir(src):
            self.dir(name)
            for e in sorted(os.listdir(src)):
                self.add(os.path.join(src, e), name + "/" + e)
        else:
            with open(src, "rb") as f:
                self.data(name, f.read(), os.stat(src).st_mode & 0o777)

    def close(self):
        self.ino = 0
        self._entry("TRAILER!!!", 0)
        self.f.write(b"\0" * (-self.f.tell() % 512))
        self.f.close()


def main(out, *specs):
    c = Cpio(out)
    for spec in specs:
        name, _, src = spec.partition("=")
        if src == "dir":
            c.dir(name)
        elif src.startswith("node:"):
            c.node(name, *map(int, src.split(":")[1:]))
        else:
            c.add(src, name)
    c.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
