#include "servers/dnsd/lexer.h"

void lexer_begin(struct lexer *lexer, const char *text, size_t size) {
    *lexer = (struct lexer){.at = text, .end = text + size, .line = 1, .next_line = 1, .at_line_start = true};
}

static struct token error(const char *message) {
    return (struct token){.kind = TOKEN_ERROR, .text = message};
}

static bool is_blank(char letter) {
    return letter == ' ' || letter == '\t' || letter == '\r';
}

static bool ends_word(char letter) {
    return is_blank(letter) || letter == '\n' || letter == ';' || letter == '(' || letter == ')' || letter == '"';
}

static void skip_comment(struct lexer *lexer) {
    while (lexer->at < lexer->end && *lexer->at != '\n')
        lexer->at++;
}

static struct token end_line(struct lexer *lexer) {
    lexer->at++;
    lexer->next_line++;
    lexer->at_line_start = true;
    return (struct token){.kind = TOKEN_LINE_END};
}

// A backslash takes the letter behind it along, whatever that is.
static struct token read_text(struct lexer *lexer, bool is_quoted) {
    struct token token = {.kind = is_quoted ? TOKEN_STRING : TOKEN_WORD, .text = lexer->at};
    for (; lexer->at < lexer->end; lexer->at++) {
        char letter = *lexer->at;
        if (letter == '\n' || letter == '\0' || (is_quoted ? letter == '"' : ends_word(letter)))
            break;
        if (letter == '\\' && lexer->end - lexer->at > 1 && lexer->at[1] != '\n' && lexer->at[1] != '\0')
            lexer->at++;
    }
    token.size = (size_t)(lexer->at - token.text);
    return token;
}

static struct token read_string(struct lexer *lexer) {
    lexer->at++;
    struct token token = read_text(lexer, true);
    if (lexer->at == lexer->end || *lexer->at != '"')
        return error("a quote is not closed on its line");
    lexer->at++;
    return token;
}

static const char *take_parenthesis(struct lexer *lexer) {
    bool opens = *lexer->at++ == '(';
    if (opens == (lexer->open_line != 0))
        return opens ? "a parenthesis in parentheses" : "a closing parenthesis without its opening one";
    lexer->open_line = opens ? lexer->line : 0;
    return NULL;
}

static struct token end_file(struct lexer *lexer) {
    if (lexer->open_line == 0)
        return (struct token){.kind = TOKEN_FILE_END};
    lexer->line = lexer->open_line;
    return error("a parenthesis is not closed");
}

struct token lexer_next(struct lexer *lexer) {
    bool is_indented = false;
    for (;; lexer->at_line_start = false) {
        lexer->line = lexer->next_line;
        if (lexer->at == lexer->end)
            return end_file(lexer);
        char letter = *lexer->at;
        if (is_blank(letter)) {
            is_indented |= lexer->at_line_start;
            lexer->at++;
        } else if (letter == ';') {
            skip_comment(lexer);
        } else if (letter == '\n') {
            struct token token = end_line(lexer);
            if (lexer->open_line == 0)
                return token;
        } else if (letter == '(' || letter == ')') {
            const char *message = take_parenthesis(lexer);
            if (message != NULL)
                return error(message);
        } else if (letter == '\0') {
            return error("a NUL byte");
        } else {
            struct token token = letter == '"' ? read_string(lexer) : read_text(lexer, false);
            token.is_indented = is_indented;
            lexer->at_line_start = false;
            return token;
        }
    }
}

static bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

bool letter_next(const char **text, size_t *text_size, uint8_t *letter, bool *is_escaped) {
    const char *at = *text;
    size_t size = 1;
    if (*text_size == 0)
        return false;
    *is_escaped = at[0] == '\\';
    *letter = (uint8_t)at[0];
    if (*is_escaped) {
        size = 2;
        if (*text_size < 2)
            return false;
        *letter = (uint8_t)at[1];
        if (is_digit(at[1])) {
            size = 4;
            if (*text_size < 4 || !is_digit(at[2]) || !is_digit(at[3]))
                return false;
            unsigned value = (unsigned)(at[1] - '0') * 100 + (unsigned)(at[2] - '0') * 10 + (unsigned)(at[3] - '0');
            if (value > 255)
                return false;
            *letter = (uint8_t)value;
        }
    }
    *text += size;
    *text_size -= size;
    return true;
}
