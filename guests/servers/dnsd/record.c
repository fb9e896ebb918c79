#include "servers/dnsd/record.h"

static const struct record_form forms[] = {
    {TYPE_A, "A", "a", NO_TARGET},
    {TYPE_NS, "NS", "N", 0},
    {TYPE_CNAME, "CNAME", "N", NO_TARGET},
    {TYPE_SOA, "SOA", "NN4tttt", NO_TARGET},
    {TYPE_PTR, "PTR", "N", NO_TARGET},
    {13, "HINFO", "ss", NO_TARGET},
    {TYPE_MX, "MX", "2N", 2},
    {TYPE_TXT, "TXT", "S", NO_TARGET},
    {17, "RP", "nn", NO_TARGET},
    {TYPE_AAAA, "AAAA", "A", NO_TARGET},
    {TYPE_SRV, "SRV", "222n", 6},
    {35, "NAPTR", "22sssn", NO_TARGET},
    {44, "SSHFP", "11x", NO_TARGET},
    {52, "TLSA", "111x", NO_TARGET},
    {99, "SPF", "S", NO_TARGET},
    {257, "CAA", "1gv", NO_TARGET},
};

const struct record_form *record_form(uint16_t type) {
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (forms[i].type == type)
            return &forms[i];
    return NULL;
}

const struct record_form *record_form_named(const char *name, size_t size) {
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        size_t same = 0;
        while (same < size && forms[i].name[same] != '\0' && (name[same] & ~0x20) == forms[i].name[same])
            same++;
        if (same == size && forms[i].name[same] == '\0')
            return &forms[i];
    }
    return NULL;
}
