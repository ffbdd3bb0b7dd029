/* create-entries: makes the files a stream describes (src/helper/entry-stream.ts has the format). */
#ifndef PULLRUN_ENTRIES_H
#define PULLRUN_ENTRIES_H

#include "util.h"

int step_create_entries (struct context *context, const struct step *step);

#endif
