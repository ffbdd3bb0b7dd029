/* Programs of the host, for what takes more than a few system calls: network tools. */
#ifndef PULLRUN_PROGRAM_H
#define PULLRUN_PROGRAM_H

#include "util.h"

int step_program (struct context *context, const struct step *step);
int step_daemon (struct context *context, const struct step *step);

/*
 * Runs argv[0], an absolute path, to its end with an empty environment; `input` becomes its standard input, -1 for
 * none. 0, or -1 after fail, with its exit status or the first line it wrote to standard error.
 */
int run_program (char **argv, int input, const char *what);
/* Kills what `daemon` steps started. */
void end_daemons (struct context *context);

#endif
