// A server's options: words `--name=value` of the command line.
#ifndef SETTINGS_H
#define SETTINGS_H

#include "kit.h"

// Ends the program with a line that names the first word which is no option out of `names`, nor one of serve_init()'s.
void options_check(const char *line, const char *const *names, size_t names_count);

// The value of `--name=`, or `otherwise` where it is not given; ends the program unless it is in least ... most.
uint64_t option_number(const char *line, const char *name, uint64_t otherwise, uint64_t least, uint64_t most);

#endif
