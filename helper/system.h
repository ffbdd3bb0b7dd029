/* Small kernel settings, and the host steps that prepare files. */
#ifndef PULLRUN_SYSTEM_H
#define PULLRUN_SYSTEM_H

#include "util.h"

int step_make_dir (struct context *context, const struct step *step);
int step_write (struct context *context, const struct step *step);
int step_write_either (struct context *context, const struct step *step);
int step_move_processes (struct context *context, const struct step *step);
int step_lock (struct context *context, const struct step *step);
int step_unshare (struct context *context, const struct step *step);
int step_hostname (struct context *context, const struct step *step);
int step_domainname (struct context *context, const struct step *step);
int step_sysctl (struct context *context, const struct step *step);
int step_oom_score (struct context *context, const struct step *step);
int step_session_keyring (struct context *context, const struct step *step);
int step_stdin_null (struct context *context, const struct step *step);
int step_sync (struct context *context, const struct step *step);

/* Descriptor of the file at `path` with the exclusive lock held; -1 with errno. `mode`: 0 to wait, LOCK_NB not to. */
int lock_file (const char *path, int mode);

#endif
