/* Who the program is, and what it may do. */
#ifndef PULLRUN_CREDENTIALS_H
#define PULLRUN_CREDENTIALS_H

#include "util.h"

int step_credentials (struct context *context, const struct step *step);
int step_no_new_privileges (struct context *context, const struct step *step);

/* True if `capability` is in our effective set. */
bool have_capability (unsigned capability);

#endif
