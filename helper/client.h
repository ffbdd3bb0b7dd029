/* The other end of the attach socket: our terminal, or whatever our standard streams are. */
#ifndef PULLRUN_CLIENT_H
#define PULLRUN_CLIENT_H

#include "util.h"

struct client_options {
  bool input;       /* passes our standard input on */
  bool output[2];   /* shows the container's standard output, and its error; without both it ends with its input */
  bool proxy;       /* passes signals on, where the container has no terminal */
  const char *keys; /* bytes in hexadecimal that end it and leave the container running; "" for none */
};

/* Exit status for ourselves: the container's, or 0 after the keys. `directory` is the container's, or NULL. */
int client_run (struct context *context, int socket, const struct client_options *options, const char *directory);
/* The same by the socket in `directory`. Of a container that has ended it is the status of that. */
int client_attach (struct context *context, const char *directory, const struct client_options *options);

#endif
