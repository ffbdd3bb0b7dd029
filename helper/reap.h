/* Children that have ended, those of the container that come to us included. */
#ifndef PULLRUN_REAP_H
#define PULLRUN_REAP_H

#include <stdbool.h>
#include <sys/types.h>

/* True once there are no more children to reap; `*status` is set when the child was among those reaped. */
bool reap (pid_t child, int options, int *status);

/* Processes the container left behind; those of a pid namespace have gone with it. */
void end_orphans (pid_t child);

#endif
