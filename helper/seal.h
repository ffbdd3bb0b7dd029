/* Our own program, where nobody can change it. */
#ifndef PULLRUN_SEAL_H
#define PULLRUN_SEAL_H

#include "util.h"

/*
 * Starts us again from there, unless that is where we run from: returns only then (0) or if it failed (-1). The plan goes
 * along as `plan`; a descriptor it was read from has been read to its end.
 */
int seal_ourselves (const struct context *context, char **argv, const uint8_t *plan, size_t size);
/* Fails unless we run from there: a plan that begins with it is not run otherwise. */
int step_seal (struct context *context, const struct step *step);

#endif
