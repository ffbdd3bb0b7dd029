/* Device nodes, and which of them a cgroup of v2 may use: a BPF program, assembled already. */
#ifndef PULLRUN_DEVICE_H
#define PULLRUN_DEVICE_H

#include "util.h"

int step_mknod (struct context *context, const struct step *step);
int step_device_filter (struct context *context, const struct step *step);

#endif
