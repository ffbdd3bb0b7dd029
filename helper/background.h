/* `start`: the plan in a supervisor that leaves the terminal, and whoever started it, behind. */
#ifndef PULLRUN_BACKGROUND_H
#define PULLRUN_BACKGROUND_H

#include "client.h"
#include "util.h"

/*
 * Waits until the program has been started or could not be. Then 0, or 125, 126 or 127 after the supervisor has told
 * why; with `options` goes on as its first client, to its exit status.
 */
int start_in_background (struct context *context, const struct client_options *options);

#endif
