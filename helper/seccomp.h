/* The filter of system calls, compiled already. */
#ifndef PULLRUN_SECCOMP_H
#define PULLRUN_SECCOMP_H

#include "util.h"

int step_seccomp (struct context *context, const struct step *step);

#endif
