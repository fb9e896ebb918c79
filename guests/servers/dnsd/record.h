// Types of records: numbers, names, and what their data is made of. One table serves reading, writing and answering.
#ifndef RECORD_H
#define RECORD_H

#include "kit.h"

enum record_type {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_AAAA = 28,
    TYPE_SRV = 33,
    TYPE_OPT = 41,
    TYPE_DS = 43,
    TYPE_TSIG = 250,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252,
    TYPE_ANY = 255,
};

enum { CLASS_IN = 1, CLASS_ANY = 255 };

// A field of a record's data. The first group is all that messages need to know.
enum field {
    FIELD_NAME = 'N',       // a name that may be compressed (RFC 3597, section 4)
    FIELD_PLAIN_NAME = 'n', // one that may not
    FIELD_BYTE = '1',
    FIELD_NUMBER = '2',     // 16 bits
    FIELD_SERIAL = '4',     // 32 bits
    FIELD_TIME = 't',       // 32 bits: seconds, in a zone file also with units
    FIELD_IPV4 = 'a',
    FIELD_IPV6 = 'A',
    FIELD_STRING = 's',
    FIELD_STRINGS = 'S',    // one or more, to the end
    FIELD_TAG = 'g',        // of CAA: a string of letters and digits
    FIELD_TEXT = 'v',       // of CAA: text without its size, to the end
    FIELD_HEX = 'x',        // to the end
};

struct record_form {
    uint16_t type;
    const char *name;
    const char *fields;   // of enum field, in their order
    uint8_t target_at;    // offset of a name whose addresses a client wants next; 0xff: none
};

#define NO_TARGET 0xff

// The form of a type; NULL: not one of the table, and its data is bytes without meaning (RFC 3597).
const struct record_form *record_form(uint16_t type);
const struct record_form *record_form_named(const char *name, size_t size);

#endif
