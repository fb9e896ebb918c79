// STREAM on integers, for a KVM whose guests cannot use the processor's floating point registers.
#define NAME "stream-integer"
typedef unsigned long element;

#include "apps/stream.h"
