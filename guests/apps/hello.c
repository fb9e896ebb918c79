#include "kit.h"
#include "manifest.h"

MANIFEST();

int solo5_app_main(const struct solo5_start_info *info) {
    print("Hello from a unikernel.\n");
    if (info->cmdline[0] != '\0')
        print("Command line: %s\n", info->cmdline);
    return SOLO5_EXIT_SUCCESS;
}
