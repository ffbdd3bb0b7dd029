/* Executes a decoded plan, phase by phase. */
#ifndef PULLRUN_RUN_H
#define PULLRUN_RUN_H

#include "util.h"

/* Exit status of the helper. Does not return when a plan without a clone step starts a program. */
int run_plan (struct context *context);

#endif
