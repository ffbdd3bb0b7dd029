/* What goes from us to the container: standard input, our terminal, and the signals we get. */
#ifndef PULLRUN_CLIENT_INPUT_H
#define PULLRUN_CLIENT_INPUT_H

#include "client.h"
#include "output.h"
#include "protocol.h"
#include "raw.h"

struct session {
  const struct client_options *options;
  int socket, signals;
  bool terminal; /* the container has one */
  bool raw;      /* and ours is its */
  bool input;    /* there may be more of it */
  bool credit;   /* and it may be sent */
  struct keys keys;
  char packet[PACKET_BYTES + 1]; /* what we have not written yet */
  size_t size, written;
  struct output outputs[2];
  const struct output *target;
  int status; /* our exit status; -1: not yet */
};

/* Stops for reading or writing a terminal that is another job's act as for any program; a descriptor for all else. */
int take_over_signals (void);
void take_signal (struct session *session);
/* Whether the container has a terminal is known: ours becomes it, if it gives the input. */
void take_over_terminal (struct session *session, bool terminal);
void take_input (struct session *session);
/* Ends one that has nothing to show, and nothing more to give. */
void end_if_idle (struct session *session);
/* What may have been the first of the keys that detach, since nothing has followed. */
void release_keys (struct session *session);

#endif
