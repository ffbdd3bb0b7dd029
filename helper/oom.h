/* Whether the container was killed for want of memory. */
#ifndef PULLRUN_OOM_H
#define PULLRUN_OOM_H

#include "util.h"

int step_oom_file (struct context *context, const struct step *step);
/* After the container's end, before its cgroup is removed: records it, and tells the user what the status means. */
void note_oom (struct context *context, int status);

#endif
