/*
 * Paths inside the container's root. Whoever made the image chose what lies there, so every lookup is an openat2 that
 * cannot leave the root, and what is found is used through the descriptor, never again by name.
 */
#ifndef PULLRUN_ROOT_H
#define PULLRUN_ROOT_H

#include <stdint.h>

#include "util.h"

/* O_PATH descriptor of what is at `path`, symlinks followed inside the root; -1 with errno. */
int root_open (const struct context *context, const char *path, uint64_t extra_flags, uint64_t extra_resolve);
/* The same for a directory, which is made (0755) with its parents where missing. */
int root_directory (const struct context *context, const char *path);
/* The same for a file (0644, empty where missing). */
int root_file (const struct context *context, const char *path);
/* The directory that holds the last component of `path`, made where missing; `*name` points into `path`. */
int root_parent (const struct context *context, const char *path, const char **name);

#endif
