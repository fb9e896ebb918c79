#!/usr/bin/env bash
# Runs Solo5's own test suite with Skiff's tenders in place of upstream's:
#   npm run test:upstream -- DIR [PATTERN]      DIR is a built checkout of Solo5 with its tests (root is needed for the net
#                                               tests); PATTERN, e.g. 'hvt$', chooses tests by their names
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
cp -r "$root/dist" "$copy/dist"
ln -s "$root/node_modules" "$copy/node_modules"
[ -d "$checkout/elftool" ] && cp -r "$checkout/elftool" "$copy/"
# Only what Skiff takes the place of: the other tenders' tests are skipped by an empty setting.
{
  echo 'CONFIG_VIRTIO='
  echo 'CONFIG_XEN='
} >>"$copy/Makeconf.sh"
tender() {
  mkdir -p "$copy/tenders/${1%/*}"
  printf '#!/bin/sh\nexec node "%s" "$@"\n' "$copy/dist/$2.cjs" >"$copy/tenders/$1"
  chmod +x "$copy/tenders/$1"
}
tender spt/solo5-spt skiff-spt
tender hvt/solo5-hvt skiff-hvt
tender hvt/solo5-hvt-debug skiff-hvt

# $1: the test's name; $2: what stands in it once; $3: what stands there instead. Fails where upstream's test is another by now.
replace_in_test() {
  node - "$copy/tests/tests.bats" "$@" <<'REPLACE'
const fs = require("node:fs");
const [path, name, old, replacement] = process.argv.slice(2);
const text = fs.readFileSync(path, "utf8");
const start = text.indexOf(`@test "${name}"`);
const end = text.indexOf("\n}\n", start);
const parts = text.slice(start, end).split(old);
if (start < 0 || parts.length !== 2) {
  console.error(`test:upstream: the test '${name}' does not have once: ${old}`);
  process.exit(1);
}
fs.writeFileSync(path, text.slice(0, start) + parts.join(replacement) + text.slice(end));
REPLACE
}

# Upstream's page tables let a guest write to its text, and the host refuses: status 1. Skiff's say what the image says,
# so that the guest itself gets the fault, as it does on Xen.
replace_in_test 'xnow hvt' '[ "$status" -eq 1 ] && [[ "$output" == *"host/guest translation fault"* ]]' expect_abort

# A KVM without the processor's help emulates the guest's instructions: none of SSE's, and each takes about 1 us, so that
# 100,000 pings are not answered in a minute.
if [ "$(uname -m)" = x86_64 ] && [ ! -e /sys/module/kvm_intel ] && [ ! -e /sys/module/kvm_amd ]; then
  for test in 'fpu hvt' 'net hvt' 'net_2if hvt'; do
    replace_in_test "$test" "@test \"$test\" {" "@test \"$test\" {
  skip 'this KVM emulates the processor'"
  done
fi
if [ -n "${2:-}" ]; then
  node - "$copy/tests/tests.bats" "$2" <<'CHOOSE'
const fs = require("node:fs");
const [path, pattern] = process.argv.slice(2);
const wanted = new RegExp(pattern);
const test = /^@test "([^"]+)" \{[^]*?\n\}\n/gm;
fs.writeFileSync(path, fs.readFileSync(path, "utf8").replace(test, (all, name) => (wanted.test(name) ? all : "")));
CHOOSE
fi
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
