#include "servers/httpd/media_type.h"

#define TEXT(subtype) "text/" subtype "; charset=utf-8"

static const struct {
    const char *extension, *type;
} types[] = {
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"css", TEXT("css")},
    {"csv", TEXT("csv")},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", TEXT("html")},
    {"html", TEXT("html")},
    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", TEXT("javascript")},
    {"json", "application/json"},
    {"map", "application/json"},
    {"md", TEXT("markdown")},
    {"mjs", TEXT("javascript")},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"ogg", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"ttf", "font/ttf"},
    {"txt", TEXT("plain")},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
};

const char *media_type_of(struct slice name) {
    size_t start = name.size;
    while (start > 0 && name.at[start - 1] != '.' && name.at[start - 1] != '/')
        start--;
    struct slice extension = {name.at + start, name.size - start};
    bool has_dot = start > 0 && name.at[start - 1] == '.';
    for (size_t i = 0; has_dot && i < COUNT_OF(types); i++)
        if (slice_is(extension, (struct slice){types[i].extension, strlen(types[i].extension)}))
            return types[i].type;
    return "application/octet-stream";
}
