#include "manifest.h"

MANIFEST();

#include "apps/syscall_probe.h"
