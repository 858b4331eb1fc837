#!/bin/sh
# Installs pinbell as a service: binary, user, groups, unit, example config.
# Run it again to upgrade: the config, the password and the state stay.
#
#   sudo scripts/install.sh [BINARY]    default: the one for this board in dist/, else ./pinbell
#
# DESTDIR=/some/folder puts the files there and makes neither user nor service.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
dest=${DESTDIR:-}

die() { echo "install.sh: $*" >&2; exit 1; }

binary=${1:-}
if [ -z "$binary" ]; then
	case $(uname -m) in
	aarch64) binary=$here/dist/pinbell-arm64 ;;
	armv7l | armv8l) binary=$here/dist/pinbell-armv7 ;;
	armv6l) binary=$here/dist/pinbell-armv6 ;;
	*) binary=$here/pinbell ;;
	esac
	[ -f "$binary" ] || binary=$here/pinbell
fi
[ -f "$binary" ] || die "there is no binary at $binary: run \`make build\` here, or \`make cross\` and copy dist/, or name one"
"$binary" version >/dev/null 2>&1 || die "$binary does not run on this machine ($(uname -m)): take the binary for its processor"
[ -n "$dest" ] || [ "$(id -u)" = 0 ] || die "this needs root: sudo $0 $*"

if [ -z "$dest" ]; then
	for group in gpio i2c pinbell; do
		getent group "$group" >/dev/null || groupadd --system "$group"
	done
	getent passwd pinbell >/dev/null ||
		useradd --system --gid pinbell --groups gpio,i2c --no-create-home --home-dir /var/lib/pinbell --shell /usr/sbin/nologin pinbell
fi

install -D -m 755 "$binary" "$dest/usr/local/bin/pinbell"
install -D -m 644 "$here/scripts/pinbell.service" "$dest/etc/systemd/system/pinbell.service"
install -D -m 644 "$here/scripts/60-pinbell.rules" "$dest/etc/udev/rules.d/60-pinbell.rules"
mkdir -p "$dest/etc/pinbell"
config=$dest/etc/pinbell/pinbell.toml
[ -e "$config" ] || install -m 644 "$here/config/pinbell.example.toml" "$config"
password=$dest/etc/pinbell/mail.password
[ -e "$password" ] || (umask 077 && : >"$password")
# The daemon reads it at each login, so that a new password counts at once.
[ -n "$dest" ] || { chown pinbell:pinbell "$password" && chmod 600 "$password"; }

if [ -z "$dest" ] && [ -d /run/systemd/system ]; then
	udevadm control --reload 2>/dev/null && udevadm trigger --subsystem-match=gpio --subsystem-match=i2c-dev 2>/dev/null || true
	systemctl daemon-reload
	systemctl enable --quiet pinbell
	systemctl is-active --quiet pinbell && systemctl restart pinbell
fi

cat <<TXT
pinbell is installed. Three steps to the first alarm:
  1. Put the app-specific password alone into $password
     (Apple Account page, Sign-In and Security, App-Specific Passwords).
  2. Edit $config, then: sudo pinbell check
  3. sudo pinbell test       sends one mail
     sudo systemctl start pinbell && sudo pinbell status
TXT
