#!/usr/bin/env bash
# Runs Solo5's own test suite with Skiff's tenders in place of upstream's:
#   npm run test:upstream -- DIR [PATTERN]      DIR is a built checkout of Solo5 with its tests (root is needed for the net
#                                               tests); PATTERN, e.g. 'hvt$', chooses tests by their names
# The checkout is not changed: the tests run on a copy of its tests/, and the taps live in a network namespace of their own.
# Where it was built for AArch64 on another host, the hvt tests run in the emulator:
#   TARGET_CC=aarch64-linux-gnu-gcc TARGET_LD=aarch64-linux-gnu-ld TARGET_OBJCOPY=aarch64-linux-gnu-objcopy ./configure.sh
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

# Everywhere in the suite. $1: what stands in it once; $2: what stands there instead.
replace() {
  node - "$copy/tests/tests.bats" "$@" <<'REPLACE'
const fs = require("node:fs");
const [path, old, replacement] = process.argv.slice(2);
const parts = fs.readFileSync(path, "utf8").split(old);
if (parts.length !== 2) {
  console.error(`test:upstream: the suite does not have once: ${old}`);
  process.exit(1);
}
fs.writeFileSync(path, parts.join(replacement));
REPLACE
}

# Upstream's page tables let a guest write to its text, and the host refuses: status 1. Skiff's say what the image says,
# so that the guest itself gets the fault, as it does on Xen.
replace_in_test 'xnow hvt' '[ "$status" -eq 1 ] && [[ "$output" == *"host/guest translation fault"* ]]' expect_abort

# $1: the test's name; $2: why it is left out.
skip_test() {
  replace_in_test "$1" "@test \"$1\" {" "@test \"$1\" {
  skip '$2'"
}

target=$(sed -n 's/^CONFIG_TARGET_ARCH="\(.*\)"$/\1/p' "$copy/Makeconf.sh")
if [ "$target" = aarch64 ] && [ "$(uname -m)" != aarch64 ]; then
  echo "test:upstream: the images are for $target; those of hvt run in the emulator, those of spt not at all"
  echo 'CONFIG_SPT_TENDER=' >>"$copy/Makeconf.sh"
  replace '[ -c /dev/kvm -a -w /dev/kvm ] || skip "no access to /dev/kvm or not present"' :
  # A WebAssembly memory holds 4 GiB, and the emulator takes some of it.
  replace '--mem=4096 "$@"' '--mem=2048 "$@"'
  skip_test 'noexec host' 'the images are for another architecture than the host'
# A KVM without the processor's help emulates the guest's instructions: none of SSE's, and each takes about 1 us, so that
# 100,000 pings are not answered in a minute.
elif [ "$(uname -m)" = x86_64 ] && [ ! -e /sys/module/kvm_intel ] && [ ! -e /sys/module/kvm_amd ]; then
  for test in 'fpu hvt' 'net hvt' 'net_2if hvt'; do
    skip_test "$test" 'this KVM emulates the processor'
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
