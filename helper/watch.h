/* The life of the process that watches over a container. */
#ifndef PULLRUN_WATCH_H
#define PULLRUN_WATCH_H

#include "supervise.h"

/* Passes signals and streams on until the child ends. Its exit status, or 128 and the signal that killed it. */
int watch_child (struct context *context, struct child *child);
/* Serves who is attached, until `milliseconds` have passed (-1: until all have got everything), or stopped. */
void watch_pause (struct context *context, int milliseconds);

#endif
