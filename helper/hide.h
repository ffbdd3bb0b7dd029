/* Paths that the container is not to see, or not to write to. */
#ifndef PULLRUN_HIDE_H
#define PULLRUN_HIDE_H

#include "util.h"

int step_mask (struct context *context, const struct step *step);
int step_readonly (struct context *context, const struct step *step);

#endif
