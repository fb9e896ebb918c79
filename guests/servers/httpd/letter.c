#include "servers/httpd/letter.h"

// RFC 9110, section 5.6.2 (token), and RFC 3986, section 3.2.2 (host and port). A target is taken with the visible
// characters that URIs may not have but clients send ("|", "{"), without '#': a fragment is not for servers.
const uint8_t letter_classes[256] = {
    ['!'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['"'] = IS_TARGET,
    ['$'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['%'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['&'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['\''] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['('] = IS_TARGET | IS_HOST,
    [')'] = IS_TARGET | IS_HOST,
    ['*'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['+'] = IS_TOKEN | IS_TARGET | IS_HOST,
    [','] = IS_TARGET | IS_HOST,
    ['-'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['.'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['/'] = IS_TARGET,
    ['0' ... '9'] = IS_TOKEN | IS_TARGET | IS_HOST,
    [':'] = IS_TARGET | IS_HOST,
    [';'] = IS_TARGET | IS_HOST,
    ['<'] = IS_TARGET,
    ['='] = IS_TARGET | IS_HOST,
    ['>'] = IS_TARGET,
    ['?'] = IS_TARGET,
    ['@'] = IS_TARGET,
    ['A' ... 'Z'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['['] = IS_TARGET | IS_HOST,
    ['\\'] = IS_TARGET,
    [']'] = IS_TARGET | IS_HOST,
    ['^'] = IS_TOKEN | IS_TARGET,
    ['_'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['`'] = IS_TOKEN | IS_TARGET,
    ['a' ... 'z'] = IS_TOKEN | IS_TARGET | IS_HOST,
    ['{'] = IS_TARGET,
    ['|'] = IS_TOKEN | IS_TARGET,
    ['}'] = IS_TARGET,
    ['~'] = IS_TOKEN | IS_TARGET | IS_HOST,
};

typedef uint64_t unaligned_word __attribute__((aligned(1), may_alias));

const char *skip_text(const char *at, const char *end) {
    const uint64_t ones = 0x0101010101010101, tops = ones << 7;
    for (; end - at >= 8; at += 8) {
        uint64_t word = *(const unaligned_word *)at;
        uint64_t below_space = (word - ones * 0x20) & ~word;
        uint64_t delete = word ^ ones * 0x7f;
        if (((below_space | ((delete - ones) & ~delete)) & tops) != 0)
            break; // a control character, or none: the loop below knows
    }
    for (; at < end; at++) {
        uint8_t letter = (uint8_t)*at;
        if ((letter < 0x20 && letter != '\t') || letter == 0x7f)
            break;
    }
    return at;
}
