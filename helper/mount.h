/* Mounts below the container's root: always detached first, then attached to an open target. */
#ifndef PULLRUN_MOUNT_H
#define PULLRUN_MOUNT_H

#include "util.h"

int step_private_mounts (struct context *context, const struct step *step);
int step_mount (struct context *context, const struct step *step);
int step_bind (struct context *context, const struct step *step);
int step_remount (struct context *context, const struct step *step);
int step_mask (struct context *context, const struct step *step);
int step_readonly (struct context *context, const struct step *step);

#endif
