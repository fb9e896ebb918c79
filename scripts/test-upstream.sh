#!/usr/bin/env bash
# Runs Solo5's own test suite with Skiff's tender in place of upstream's:
#   npm run test:upstream -- DIR      DIR is a built checkout of Solo5 with its tests (root is needed for the net tests)
# The checkout is not changed: the tests run on a copy of its tests/, and the taps live in a network namespace of their own.
set -euo pipefail

checkout=${1:-}
if [ -z "$checkout" ] || [ ! -f "$checkout/tests/tests.bats" ] || [ ! -f "$checkout/Makeconf.sh" ]; then
  echo "usage: npm run test:upstream -- DIR, where DIR is a built checkout of Solo5 (configure.sh and make have run)" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "test:upstream needs root for a network namespace; run it with sudo" >&2
  exit 1
fi
root=$(cd "$(dirname "$0")/.." && pwd)
checkout=$(cd "$checkout" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$checkout/Makeconf.sh" "$checkout/tests" "$copy/"
[ -d "$checkout/elftool" ] && cp -r "$checkout/elftool" "$copy/"
# Only what Skiff takes the place of: the other tenders' tests are skipped by an empty setting.
{
  echo 'CONFIG_HVT_TENDER='
  echo 'CONFIG_VIRTIO='
  echo 'CONFIG_XEN='
} >>"$copy/Makeconf.sh"
mkdir -p "$copy/tenders/spt"
cat >"$copy/tenders/spt/solo5-spt" <<TENDER
#!/bin/sh
exec node "$root/dist/skiff-spt.cjs" "\$@"
TENDER
chmod +x "$copy/tenders/spt/solo5-spt"
unset NODE_EXTRA_CA_CERTS

# The suite's taps and addresses, as its setup-tests.sh makes them on Linux.
unshare --net -- sh -euc '
  ip link set lo up
  for number in 0 1; do
    ip tuntap add tap10$number mode tap
    ip addr add 10.$number.0.1/24 dev tap10$number
    ip link set dev tap10$number up
  done
  ip tuntap add tap102 mode tap
  ip link set dev tap102 up mtu 9000
  exec "$1/tests/bats-core/bats" "$1/tests/tests.bats"
' sh "$copy"
