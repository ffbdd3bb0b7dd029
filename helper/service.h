/* A container that is looked after in the background: its standard streams, who is attached, when it starts again. */
#ifndef PULLRUN_SERVICE_H
#define PULLRUN_SERVICE_H

#include <poll.h>
#include <sys/ioctl.h>

#include "log.h"
#include "protocol.h"
#include "util.h"

#define MAX_CLIENTS 32

enum input_policy {
  INPUT_CLOSED,
  INPUT_ONCE, /* ends with the input, or the leaving, of the first client that gives any */
  INPUT_OPEN, /* stays open whoever comes and goes */
};

/* As src/helper/plan.ts numbers them; between always and unless-stopped only a reboot would make a difference. */
enum restart_policy { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS };

struct chunk {
  struct chunk *next;
  char type;
  size_t size;
  char bytes[];
};

struct client {
  int fd;              /* -1: free */
  struct chunk *next;  /* to be sent; NULL: nothing */
  struct chunk *input; /* not yet taken by the container; at most one */
  size_t taken;        /* of it */
  bool gives_input;
  bool joined;         /* later than the start, and has not told its window yet */
  bool owed;           /* a PACKET_TAKEN */
};

enum service_slot { SLOT_LISTENER, SLOT_CONSOLE, SLOT_STDOUT, SLOT_STDERR, SLOT_STDIN, SLOT_CLIENTS };
#define SERVICE_SLOTS (SLOT_CLIENTS + MAX_CLIENTS)

struct service {
  struct log log; /* its directory is the container's; "": none is kept, and nobody can attach later */
  bool terminal;
  enum input_policy policy;
  enum restart_policy restart;
  unsigned retries; /* 0: no end */

  int ready;        /* to whoever started us, until they know how that went; -1 then */
  bool stopped;     /* somebody asked for the end: no restart */
  bool ran;         /* the program was started, this time */
  int program;      /* pidfd of the container's first process; -1: none */
  struct winsize window;

  int theirs[3];    /* the container's ends of its standard streams, between pipe and clone */
  int console[2];   /* over which the terminal comes out of the container: ours, theirs */
  int input;        /* our ends; -1: closed */
  int outputs[2];
  int peer;         /* the terminal's other side, held so that it never hangs up */

  int listener;
  struct client clients[MAX_CLIENTS];
  struct chunk *queue; /* oldest first; kept until every client has had it */
};

/* background.c. `step_supervise` makes what lasts over restarts. */
int step_supervise (struct context *context, const struct step *step);
/* Tells whoever started us: 0, it runs; else the exit status. From then on nothing of ours is theirs. Once only. */
void service_tell (struct context *context, int status);

/* Whether the end is asked for: by a signal to us, or by the file `stop` that the stop command leaves in the directory. */
bool service_stopped (struct service *service);

/* streams.c: the container's standard streams. The first three are before the clone, in the child, and after. */
int streams_open (struct service *service);
int streams_take (struct context *context);
void streams_keep_ours (struct service *service);
void streams_poll (const struct service *service, struct pollfd fds[SERVICE_SLOTS]);
void streams_handle (struct service *service, const struct pollfd fds[SERVICE_SLOTS]);
/* What the ended container has left in them; then they are closed. */
void streams_drain (struct service *service);
void streams_end_input (struct service *service);

/* clients.c: who is attached. */
int clients_listen (struct service *service);
void clients_stop_listening (struct service *service);
/* `joined`: the container has run before, and its terminal is to be drawn again. */
void clients_add (struct service *service, int fd, bool joined);
void clients_poll (const struct service *service, struct pollfd fds[SERVICE_SLOTS]);
void clients_handle (struct service *service, const struct pollfd fds[SERVICE_SLOTS]);
/* To all of them. */
void clients_send (struct service *service, enum packet type, const char *bytes, size_t size);
/* What of that they take at once. */
void clients_flush (struct service *service);
/* Gives the container what clients have for it. */
void clients_feed (struct service *service);
bool clients_busy (const struct service *service);

#endif
