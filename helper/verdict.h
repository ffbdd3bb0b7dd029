/* What a program on the way to the container (an OCI runtime) says of its failure, as an exit status. */
#ifndef PULLRUN_VERDICT_H
#define PULLRUN_VERDICT_H

#include "util.h"

/* Only says what to look for: `judge` does, once the child has ended. */
int step_exit_text (struct context *context, const struct step *step);
/* The status of the first exit-text step with a line that fits, if the child failed; else the child's own. */
int judge (const struct context *context, int status);

#endif
