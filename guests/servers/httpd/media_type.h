#ifndef MEDIA_TYPE_H
#define MEDIA_TYPE_H

#include "servers/httpd/slice.h"

// The media type of a file, by the last extension of its name; "application/octet-stream" where that tells nothing.
const char *media_type_of(struct slice name);

#endif
