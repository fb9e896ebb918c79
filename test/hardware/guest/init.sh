#!/bin/busybox sh
# The first process of an emulated host: loads the modules, runs the tests, says how they ended, and turns the machine off.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root NO_COLOR=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
dmesg -n 1
# A newer Debian compresses its modules: the name ends in .ko.xz then.
while read -r module; do insmod "/lib/modules/$module"* || echo "cannot load $module"; done </lib/modules/load
ip link set lo up
cd /skiff || exit 1
node --test-reporter=/skiff/reporter.mjs --test-reporter-destination=stdout /skiff/tests.mjs
status=$?
# 128 + SIGKILL: where it was the kernel, it says why.
[ "$status" -eq 137 ] && dmesg | tail -n 20
echo "@skiff {\"type\":\"end\",\"status\":$status}"
poweroff -f
