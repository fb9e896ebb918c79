// On Linux sockets.
#include "manifest.h"

MANIFEST(BLOCK("storage"));
