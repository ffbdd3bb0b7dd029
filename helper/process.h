/* What the program is started as and with. */
#ifndef PULLRUN_PROCESS_H
#define PULLRUN_PROCESS_H

#include "util.h"

int step_rlimit (struct context *context, const struct step *step);
int step_umask (struct context *context, const struct step *step);
int step_working_dir (struct context *context, const struct step *step);
int step_environment (struct context *context, const struct step *step);
/* Returns only when no program could be started: EXIT_NOT_FOUND or EXIT_NOT_EXECUTABLE by `exec_status`. */
int step_exec (struct context *context, const struct step *step);
int exec_status (int error);

/* What signals do by default; which are blocked stays. */
void reset_dispositions (void);
/* Default signal dispositions and nothing blocked, as a new program expects. */
void reset_signals (void);

#endif
