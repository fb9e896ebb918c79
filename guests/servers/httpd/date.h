// Dates of HTTP (RFC 9110, section 5.6.7), in seconds since 1970.
#ifndef DATE_H
#define DATE_H

#include "servers/httpd/slice.h"

#define DATE_BYTES 29 // of "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes the form above, without a NUL. Years from 10000 on are written as the last second of 9999.
void date_format(uint64_t seconds, char to[DATE_BYTES]);

// Reads a date in any of the three forms that a recipient must know; one before 1970 is read as 0. A year of two digits
// is at most 50 years after `now_seconds`.
bool date_parse(struct slice text, uint64_t now_seconds, uint64_t *seconds);

#endif
