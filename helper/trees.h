/* Binds that take more than one step: of a part of a volume, or still tied to the host's mounts. */
#ifndef PULLRUN_TREES_H
#define PULLRUN_TREES_H

#include "util.h"

int step_open_tree (struct context *context, const struct step *step);
int step_attach_tree (struct context *context, const struct step *step);

#endif
