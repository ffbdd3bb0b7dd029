/* Taking things away again. */
#ifndef PULLRUN_REMOVE_H
#define PULLRUN_REMOVE_H

#include "util.h"

int step_remove_tree (struct context *context, const struct step *step);
int step_remove_cgroup (struct context *context, const struct step *step);

#endif
