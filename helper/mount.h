/* Mounts below the container's root: always detached first, then attached to an open target. */
#ifndef PULLRUN_MOUNT_H
#define PULLRUN_MOUNT_H

#include "util.h"

/* A detached copy of what is at `path`, "" for `dir` itself; -1 with errno. */
int clone_tree (int dir, const char *path, bool recursive);
/* Where `tree` is to be attached, made if it is missing; -1, noted. */
int open_bind_target (struct context *context, const char *target, int tree);
/* MS_* flags on a detached mount, with MS_REC on all below it too; -1 with errno. */
int set_flags (int mount_fd, uint64_t flags);

int step_private_mounts (struct context *context, const struct step *step);
int step_mount (struct context *context, const struct step *step);
int step_bind (struct context *context, const struct step *step);
int step_remount (struct context *context, const struct step *step);
int step_mask (struct context *context, const struct step *step);
int step_readonly (struct context *context, const struct step *step);

#endif
