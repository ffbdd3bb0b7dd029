/*
 * The file `status` in a container's directory: what its supervisor knows of it, for every other command. Lines of
 * `key value`, replaced as a whole: state (created, running, restarting, exited), supervisor (pid), pid, start (field
 * 22 of its /proc/PID/stat), boot (boot id), started, finished (ns since 1970), exit, oom (0, 1), restarts, error.
 */
#ifndef PULLRUN_RECORD_H
#define PULLRUN_RECORD_H

#include "util.h"

/* All of them do nothing in a plan without a record step. What cannot be written (disk full) keeps nothing from running. */
int step_record (struct context *context, const struct step *step);
/* The program runs: only now may others enter its namespaces. 0, 0: it has run, and who has its number now is unknown. */
void record_running (pid_t pid, uint64_t start);
void record_oom (void);
/* Why the next end is one: one line. */
void record_error (const char *line);
void record_exited (int status);
/* The restart policy is about to start it again. */
void record_restarting (int status);

/* Proc(5): field 22 of /proc/PID/stat, ticks since boot; 0 when there is no such process. */
uint64_t process_start_time (pid_t pid);

#endif
