#!/bin/sh
# Makes sure that Debian packages are installed, as root with apt-get, or says
# why they cannot be. What it installs does not start: services are for the
# machine's owner to switch on.
#
#   scripts/need.sh postfix dovecot-core
set -eu

missing=
for package; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

fail() { echo "need:$missing: $1" >&2; exit 1; }
command -v apt-get >/dev/null 2>&1 || fail "not installed here, and this machine has no apt-get"
[ "$(id -u)" = 0 ] || fail "not installed here; as root: apt-get install$missing"

log=$(mktemp)
policy=/usr/sbin/policy-rc.d # what invoke-rc.d asks before it starts anything
ours=
clean() {
	rm -f "$log"
	[ -z "$ours" ] || rm -f "$policy"
}
trap clean EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ]; then
	ours=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

case " $missing " in
*" postfix "*) # its package asks what it is to be; it is to be nothing
	echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections ;;
esac

install() {
	apt-get -q -o DPkg::Lock::Timeout=120 update &&
		DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $missing
}
echo "need: installing$missing"
for try in 1 2; do
	if install </dev/null >"$log" 2>&1; then
		exit 0
	fi
	[ "$try" = 2 ] || sleep 5
done
tail -n 15 "$log" >&2
fail "apt-get could not install them, twice; its last words are above"
