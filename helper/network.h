/* Interfaces and ports. */
#ifndef PULLRUN_NETWORK_H
#define PULLRUN_NETWORK_H

#include "util.h"

int step_loopback (struct context *context, const struct step *step);
int step_interface (struct context *context, const struct step *step);
int step_reserve_port (struct context *context, const struct step *step);
int step_request (struct context *context, const struct step *step);
/* In the child: the sockets are the host's. */
void release_ports (void);

#endif
