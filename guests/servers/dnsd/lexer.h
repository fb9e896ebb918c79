// Words of a master file (RFC 1035, section 5.1): comments, parentheses, quotes and escapes.
#ifndef LEXER_H
#define LEXER_H

#include "kit.h"

enum token_kind {
    TOKEN_WORD,
    TOKEN_STRING, // was in quotes
    TOKEN_LINE_END,
    TOKEN_FILE_END,
    TOKEN_ERROR, // `text` is a message, terminated
};

struct token {
    enum token_kind kind;
    bool is_indented; // blanks before it begin the line
    const char *text; // with its escapes, without its quotes
    size_t size;
};

struct lexer {
    const char *at, *end;
    unsigned line; // of the token last read, from 1
    unsigned next_line;
    unsigned open_line; // of the parenthesis that is open; 0: none
    bool at_line_start;
};

void lexer_begin(struct lexer *lexer, const char *text, size_t size);

struct token lexer_next(struct lexer *lexer);

// Takes one letter off a token's text: itself, or what an escape stands for (\DDD, \X). A letter that was escaped is
// never a separator: `is_escaped` tells. False: the text has ended, or an escape is malformed (then `text_size` is not
// 0).
bool letter_next(const char **text, size_t *text_size, uint8_t *letter, bool *is_escaped);

#endif
