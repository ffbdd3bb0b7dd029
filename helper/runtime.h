/* The container's first process, where another OCI runtime makes it: a child of the runtime, which is ours. */
#ifndef PULLRUN_RUNTIME_H
#define PULLRUN_RUNTIME_H

#include "util.h"

/* Names the file in which the runtime writes the process's number once it has been started. */
int step_runtime_pid (struct context *context, const struct step *step);
/* Whether the runtime has written it. */
bool runtime_has_started (const struct context *context);
/* The process, by our numbers; 0: not (or no more) there. */
pid_t runtime_program (const struct context *context, pid_t runtime);

#endif
