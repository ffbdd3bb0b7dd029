/* Namespaces that exist already: of a running container, or at a path. */
#ifndef PULLRUN_JOIN_H
#define PULLRUN_JOIN_H

#include "util.h"

int step_join (struct context *context, const struct step *step);
int step_join_namespace (struct context *context, const struct step *step);

/*
 * Clones a child of ours inside the namespaces of `context->joins`. Returns twice, like fork, through `*pid`. -1 with
 * `*pid` 0 in a child that could not enter them; -1 with its pid in the supervisor, when that has happened.
 */
int clone_joined (const struct context *context, uint64_t flags, pid_t *pid);

#endif
