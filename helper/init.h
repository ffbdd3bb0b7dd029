/* A first process for containers whose command is none. */
#ifndef PULLRUN_INIT_H
#define PULLRUN_INIT_H

#include "util.h"

/* Returns in a child; the caller stays behind, and ends with the child's exit status. */
int step_init (struct context *context, const struct step *step);

#endif
