/* The child in its namespaces. */
#ifndef PULLRUN_SUPERVISE_H
#define PULLRUN_SUPERVISE_H

#include "util.h"

struct child {
  pid_t pid;        /* 0 in the child itself */
  int namespace;    /* descriptor of its user namespace, -1 when it has none of its own */
  bool own_pids;    /* its pid namespace ends with it */
  int go;           /* where the child waits for a byte; -1 for one that has ended already */
  int started;      /* read end of its context's pipe of that name */
  int leash;        /* open as long as we live, and the child may */
};

/*
 * Returns twice, like fork: here with maps and cgroups in place, in the child once it was let go. -1 after fail, with no
 * child left.
 */
int start_child (struct context *context, const struct step *step, struct child *child);
int let_go (const struct child *child);
/* For one that is not to go on. */
void kill_child (const struct child *child);

#endif
