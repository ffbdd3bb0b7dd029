/* Directories, listed without the two names that each of them has. */
#ifndef PULLRUN_WALK_H
#define PULLRUN_WALK_H

#include <dirent.h>

#include "util.h"

#define autolisting __attribute__ ((cleanup (close_listing)))

/* What `name` in `dir` has in it ("." for `dir` itself), by a descriptor of its own; NULL with errno. */
DIR *open_listing (int dir, const char *name);
void close_listing (DIR **listing);
/* NULL at the end, with errno 0, and where reading fails. */
const struct dirent *next_entry (DIR *listing);
/* Whether it names something in a directory, and neither that nor its parent. */
bool is_name (const char *name);

#endif
