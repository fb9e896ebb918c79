// As syscall, with devices whose descriptors the sandbox lets through.
#include "manifest.h"

MANIFEST(NET("service"), BLOCK("storage"));

#include "apps/syscall_probe.h"
