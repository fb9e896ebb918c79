#include "servers/httpd/content.h"

#define PAGE_BYTES 4096

static const char page_start[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<meta charset=\"utf-8\">\n"
    "<title>Skiff</title>\n"
    "<h1>It is afloat</h1>\n"
    "<p>This page of 4096 bytes is built into the web server. A small one is at <a href=\"hello.txt\">hello.txt</a>.\n"
    "<pre>\n";
static const char page_end[] = "</pre>\n</html>\n";
static const char wave[] = "~^~~^~^~~~^~~^~^~~~^~^~~^~~~^~^~~^~~~^~~^~^~~~^~~^~~^~^\n";

static uint8_t page[PAGE_BYTES];

static void fill_page(void) {
    size_t size = sizeof page_start - 1, end = PAGE_BYTES - (sizeof page_end - 1);
    memcpy(page, page_start, size);
    for (size_t i = 0; size < end; i++, size++)
        page[size] = (uint8_t)wave[i % (sizeof wave - 1)];
    page[end - 1] = '\n';
    memcpy(page + end, page_end, sizeof page_end - 1);
}

static void add(struct content *content, const char *name, const void *bytes, size_t size, const char *tag) {
    struct path path;
    struct file file = {.bytes = bytes, .size = size};
    path_of_name((struct slice){name, strlen(name)}, &path);
    content_add(content, &path, &file, tag);
}

void content_open(struct content *content, struct arena *arena) {
    static const char hello[] = "Hello from a unikernel.\n";
    content_begin(content, arena);
    fill_page();
    add(content, "index.html", page, sizeof page, "page-1");
    add(content, "hello.txt", hello, sizeof hello - 1, "hello-1");
}
