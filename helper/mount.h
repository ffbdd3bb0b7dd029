/* Mounts below the container's root: always detached first, then attached to an open target. */
#ifndef PULLRUN_MOUNT_H
#define PULLRUN_MOUNT_H

#include <stdint.h>

#include "util.h"

struct new_mount {
  const char *type;
  const char *source;
  const char *data;
  uint64_t attributes;
};

/* A detached one; -1 with errno. */
int make_mount (struct new_mount wanted);
/* Whether nothing may be mounted on the file `at`, found at `target`; then errno says why. */
bool is_forbidden (int at, const char *target);
/* MS_* flags on a detached mount, with MS_REC on all below it too; -1 with errno. */
int set_flags (int mount_fd, uint64_t flags);

int step_private_mounts (struct context *context, const struct step *step);
int step_mount (struct context *context, const struct step *step);
int step_remount (struct context *context, const struct step *step);

#endif
