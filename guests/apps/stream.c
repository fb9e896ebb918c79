// STREAM on floating point numbers, as it is defined.
#define NAME "stream"
typedef double element;

#include "apps/stream.h"
