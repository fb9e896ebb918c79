// Numbers and addresses as text.
#ifndef ADDRESS_H
#define ADDRESS_H

#include "kit.h"

// -1: not hexadecimal.
int hex_digit(char letter);

// Decimal digits; false for anything else and above `most`.
bool decimal_read(struct word word, uint64_t most, uint64_t *number);

bool parse_ipv4(struct word word, uint8_t address[4]);

// RFC 4291, section 2.2, all three forms.
bool parse_ipv6(struct word word, uint8_t address[16]);

#endif
