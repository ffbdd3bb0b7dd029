/* The directory that becomes the container's root, and the change to it. */
#ifndef PULLRUN_NEW_ROOT_H
#define PULLRUN_NEW_ROOT_H

#include "util.h"

int step_root_overlay (struct context *context, const struct step *step);
int step_root_bind (struct context *context, const struct step *step);
int step_root_dir (struct context *context, const struct step *step);
int step_pivot (struct context *context, const struct step *step);
int step_chroot (struct context *context, const struct step *step);

#endif
