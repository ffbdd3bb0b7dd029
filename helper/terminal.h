/* The container's own terminal. */
#ifndef PULLRUN_TERMINAL_H
#define PULLRUN_TERMINAL_H

#include "util.h"

int step_terminal (struct context *context, const struct step *step);

#endif
