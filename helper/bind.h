/* Parts of the file tree put somewhere else: at once, or in two steps where the source is out of reach by then. */
#ifndef PULLRUN_BIND_H
#define PULLRUN_BIND_H

#include "util.h"

/* A detached copy of what is at `path`, "" for `dir` itself; -1 with errno. */
int clone_tree (int dir, const char *path, bool recursive);
bool is_directory (int fd);

int step_bind (struct context *context, const struct step *step);
int step_open_tree (struct context *context, const struct step *step);
int step_attach_tree (struct context *context, const struct step *step);

#endif
