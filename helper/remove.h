/* Taking things away again. */
#ifndef PULLRUN_REMOVE_H
#define PULLRUN_REMOVE_H

#include "util.h"

int step_remove_tree (struct context *context, const struct step *step);
/* Everything in the directory `fd`, which stays open and is kept; -1 with errno. */
int remove_all_in (int fd);
int step_remove_cgroup (struct context *context, const struct step *step);

#endif
