/* Files made inside the container's root. */
#ifndef PULLRUN_ROOT_FILES_H
#define PULLRUN_ROOT_FILES_H

#include "util.h"

int step_mkdir (struct context *context, const struct step *step);
int step_symlink (struct context *context, const struct step *step);
int step_file (struct context *context, const struct step *step);

#endif
