#include "manifest.h"

MANIFEST(NET("service"), BLOCK("storage"));
