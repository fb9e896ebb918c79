// Exits with the status that its first word names; `abort` ends it as a program that gives up.
#include "kit.h"
#include "manifest.h"

MANIFEST();

int solo5_app_main(const struct solo5_start_info *info) {
    struct word word;
    if (find_argument(info->cmdline, 0, &word) && word_is(word, "abort"))
        solo5_abort();
    return (int)number_argument(info->cmdline, 0, SOLO5_EXIT_SUCCESS);
}
