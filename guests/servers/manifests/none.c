// On Linux sockets a server has no device of its own.
#include "manifest.h"

MANIFEST();
