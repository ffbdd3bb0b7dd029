/* The child in its namespaces, and the life of the process that watches over it. */
#ifndef PULLRUN_SUPERVISE_H
#define PULLRUN_SUPERVISE_H

#include "util.h"

struct child {
  pid_t pid;        /* 0 in the child itself */
  int namespace;    /* descriptor of its user namespace, -1 when it has none of its own */
  bool own_pids;    /* its pid namespace ends with it */
};

/* Returns twice, like fork; in the child once maps and cgroups are in place. -1 after fail, with no child left. */
int start_child (struct context *context, const struct step *step, struct child *child);
/* Passes signals on until the child ends. Its exit status, or 128 and the signal that killed it. */
int wait_for_child (const struct child *child);

#endif
