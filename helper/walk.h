/* Directories, listed without the two names that each of them has. */
#ifndef PULLRUN_WALK_H
#define PULLRUN_WALK_H

#include <dirent.h>
#include <limits.h>

#include "util.h"

#define autolisting __attribute__ ((cleanup (close_listing)))

/* What `name` in `dir` has in it ("." for `dir` itself), by a descriptor of its own; NULL with errno. */
DIR *open_listing (int dir, const char *name);
void close_listing (DIR **listing);
/* NULL at the end, with errno 0, and where reading fails. */
const struct dirent *next_entry (DIR *listing);
/* Whether it names something in a directory, and neither that nor its parent. */
bool is_name (const char *name);

/* How deep trees are read and copied: each level holds one or two open directories. */
#define MAX_TREE_DEPTH 256
/* Every path in such a tree, where names are as long as Linux has them. */
#define TREE_PATH_BYTES ((size_t) (MAX_TREE_DEPTH + 1) * (NAME_MAX + 1) + 1)

/* Puts `/name` at `length` of a path. -1 with errno where it has no room: a path that is cut is that of another file. */
int append_name (char path[TREE_PATH_BYTES], size_t length, const char *name);

#endif
