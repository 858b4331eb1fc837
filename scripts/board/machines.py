"""The boards: what QEMU is told, which Debian kernel, how its device tree is
fitted. A new one is a new entry of MACHINES.

    machines.py list
    machines.py sh NAME                      variables for `board build`
    machines.py make NAME IMAGEDIR QEMUDIR   unpack the kernel, fit the device
                                             tree, write machine.json"""

import json
import lzma
import os
import shlex
import struct
import subprocess
import sys
import zlib

import bme280

# The lines of the SoC's first bank, named as a Raspberry Pi names its own, so
# that one configuration serves all. (Bank GPIO1 of an i.MX's manual and of
# QEMU is Linux's gpiochip0.)
LINES = {"GPIO%d" % n: n for n in range(2, 28)}
APPEND = " quiet loglevel=3 rdinit=/init panic=-1 cryptomgr.notests apparmor=0"
# Buses in the device trees: two of the i.MX6, and the Raspberry Pi's.
AIPS1, AIPS2, RPI = "/soc/bus@2000000", "/soc/bus@2100000", "/soc"
DISK_MODULES = " crc32c_generic ext4"


def sensors(bus):
    """The chips on the sensors' bus, /dev/i2c-1 in every guest."""
    chips = ["tmp105,id=tmp105,address=0x48", "tmp105,id=tmp105b,address=0x49",
             # Two 24Cxx EEPROMs with one address byte stand for two BME280s. The
             # one at 0x76 can't be written, and so reads the same always; the one
             # at 0x77 takes writes (see bme280.py).
             "at24c-eeprom,address=0x76,rom-size=512,address-size=1,writable=off,drive=bme280",
             "at24c-eeprom,address=0x77,rom-size=256,address-size=1"]
    args = ["-drive", "if=none,id=bme280,format=raw,file=bme280.bin"]
    for c in chips:
        model, _, rest = c.partition(",")
        args += ["-device", "%s,bus=%s,%s" % (model, bus, rest)]
    return args


MACHINES = {
    "sabrelite": {
        "arch": "armhf", "triplet": "arm-linux-gnueabihf",
        "kernel": "linux-image-armmp/bookworm", "dtb": "imx6q-sabrelite.dtb",
        # Where a bare kernel goes: RAM, and the offset of a kernel that also
        # serves Meson, as armmp does.
        "load": 0x10000000 + 0x208000,
        "ctl": "/dev/ttymxc0", "append": "console=ttymxc1,115200 noirqdebug",
        "modules": "i2c-dev i2c-imx gpio-mxc", "net_modules": "smsc fec", "disk_modules": "sdhci-esdhc-imx" + DISK_MODULES,
        "more_modules": "libphy configfs rtc-snvs lm75 at24",
        "args": ["-M", "sabrelite", "-m", "512M", "-smp", "2",
                 "-serial", "chardev:ctl", "-serial", "chardev:con"]
        + sensors("i2c-bus.0"),
        "net": ["-nic", "{net}"],
        "disk": ["-drive", "if=none,id=disk,format=raw,file={disk}", "-device", "sd-card,drive=disk,bus=sd-bus"],
        "temperature": {"tmp105": 21.5, "tmp105b": 4.0},
        "gpio_kind": "imx", "gpio_base": 0x0209C000,
        "gpio_node": AIPS1 + "/gpio@209c000", "gpio_lines": 32,
        "remove": [
            "/gpio-keys",  # it takes lines of our bank
            "/regulators/regulator@3",  # GPIO2 again: the CAN bus
            AIPS2 + "/i2c@21a0000/sgtl5000@a",
        ],
        # The DMA controller is not emulated: without this the first serial port,
        # the agent's, would never receive.
        "delete": [(AIPS1 + "/spba-bus@2000000/serial@2020000", p) for p in ("dmas", "dma-names")],
        "set": [
            # As on a Raspberry Pi, the sensors are on i2c-1.
            ("s", "/aliases", "i2c0", AIPS2 + "/i2c@21a4000"),
            ("s", "/aliases", "i2c1", AIPS2 + "/i2c@21a0000"),
            # QEMU's local timers count at 100 MHz whatever the clock tree says (396
            # MHz): without this every sleep in the guest takes four times as long.
            ("s", "/local-timer-clock", "compatible", "fixed-clock"),
            ("u", "/local-timer-clock", "#clock-cells", "0"),
            ("u", "/local-timer-clock", "clock-frequency", "100000000"),
            ("u", "/local-timer-clock", "phandle", "9000"),
            ("u", "/soc/timer@a00600", "clocks", "9000"),
        ],
        # What QEMU lacks or nobody here uses only makes the boot longer.
        "disable": ["/soc/pcie@1ffc000"] + [AIPS2 + n for n in ("/mmc@2198000", "/i2c@21a4000", "/i2c@21a8000")],
    },
    "raspi0": {
        "arch": "armel", "triplet": "arm-linux-gnueabi",
        "kernel": "linux-image-rpi/bookworm", "dtb": "bcm2835-rpi-zero.dtb",
        "load": 0x8000,
        # The agent has the good serial port (PL011), the console the other.
        "ctl": "/dev/ttyAMA0", "append": "console=ttyS1,115200",
        "modules": "i2c-dev", "net_modules": "cdc_ether", "disk_modules": DISK_MODULES,
        "more_modules": "configfs",
        "args": ["-M", "raspi0", "-icount", "shift=3", "-serial", "chardev:ctl", "-serial", "chardev:con"] + sensors("i2c-bus.1"),
        # With a globally unique address the interface is called eth0.
        "net": ["-netdev", "{net}", "-device", "usb-net,netdev=net0,mac=54:52:00:12:34:56"],
        "disk": ["-drive", "if=sd,format=raw,file={disk}"],
        "temperature": {"tmp105": 21.5, "tmp105b": 4.0},
        "gpio_kind": "bcm2835", "gpio_base": 0x20200000,
        "gpio_node": RPI + "/gpio@7e200000", "gpio_lines": 54,
        "remove": [RPI + n for n in ("/hdmi@7e902000", "/v3d@7ec00000", "/gpu", "/mailbox@7e00b840", "/vec@7e806000")],
        "delete": [],
        "set": [
            ("s", "/aliases", "i2c1", RPI + "/i2c@7e804000"),
            ("s", RPI + "/serial@7e215040", "status", "okay"),
            # QEMU lacks the second set of power registers: an abort at boot.
            ("x", RPI + "/watchdog@7e100000", "reg", "7e100000", "114"),
            ("s", RPI + "/watchdog@7e100000", "reg-names", "pm"),
        ],
        "disable": [RPI + n for n in ("/i2c@7e205000", "/i2c@7e805000")],
    },
}


def fdtput(*args):
    subprocess.run(["fdtput", *args], check=True)


def fit(m, dtb):
    """Fits the kernel's device tree to what QEMU has."""
    for node in m["remove"]:
        fdtput("-r", dtb, node)
    for node, prop in m["delete"]:
        fdtput("-d", dtb, node, prop)
    for kind, node, prop, *values in m["set"]:
        fdtput("-p", "-t", kind, dtb, node, prop, *values)
    for node in m["disable"]:
        fdtput("-t", "s", dtb, node, "status", "disabled")
    names = [""] * m["gpio_lines"]
    for line, off in LINES.items():
        names[off] = line
    fdtput("-t", "s", dtb, m["gpio_node"], "gpio-line-names", *names)


def unpack_kernel(m, src, dst):
    """Turns a zImage into a U-Boot image of the bare kernel: unpacking it takes
    the emulated processor some four seconds at each boot."""
    with open(src, "rb") as f:
        z = f.read()
    at = kernel = 0
    while not kernel:  # the magic is in the unpacker's own code too
        at = z.index(b"\xfd7zXZ\0", at + 1)
        try:
            kernel = lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(z[at:])
        except lzma.LZMAError:
            pass
    head = [0x27051956, 0, 0, len(kernel), m["load"], m["load"], zlib.crc32(kernel), 5, 2, 2, 0, b"linux"]
    pack = struct.Struct(">7I4B32s").pack
    head[1] = zlib.crc32(pack(*head))
    with open(dst, "wb") as f:
        f.write(pack(*head) + kernel)
    os.unlink(src)


def describe(m, qemudir):
    """What is needed to run the board."""
    same = ("ctl", "modules", "net_modules", "disk_modules", "args", "net", "disk",
            "temperature", "gpio_kind", "gpio_base")
    return {
        **{k: m[k] for k in same},
        "qemu": os.path.join(qemudir, "qemu-system-arm"),
        "append": m["append"] + APPEND,
        "preload": bme280.command(0x77, 0, bme280.registers(21.5, 1005.0, 45.0)),
        "gpio": {line: ("/machine/soc/gpio1", off) for line, off in LINES.items()},
        # As a Raspberry Pi's at power-on: GPIO2 to GPIO8 pulled up, the rest down.
        "initial": {line: "high" if off <= 8 else "low" for line, off in LINES.items()},
    }


def main(verb="list", *args):
    if verb == "list":
        print(*MACHINES, sep="\n")
        return
    m = MACHINES[args[0]]
    if verb == "sh":
        modules = " ".join((m["modules"], m["net_modules"], m["disk_modules"], m["more_modules"]))
        for k in ("arch", "triplet", "kernel", "dtb"):
            print("%s=%s" % (k, shlex.quote(m[k])))
        print("modules=%s" % shlex.quote(modules))
        return
    img, qemudir = args[1:]
    unpack_kernel(m, os.path.join(img, "vmlinuz"), os.path.join(img, "kernel"))
    fit(m, os.path.join(img, "dtb"))
    with open(os.path.join(img, "machine.json"), "w") as f:
        json.dump(describe(m, qemudir), f, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
