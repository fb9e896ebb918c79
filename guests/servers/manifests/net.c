#include "manifest.h"

MANIFEST(NET("service"));
