#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client-input.h"

/* How long a key that may be the first of those that detach is held back. */
#define KEY_MILLISECONDS 500
/* Packets taken at a time, between looks at signals and input. */
#define MAX_ROUNDS 16

/* False when there is none (more) now. */
static bool
take_packet (struct session *session)
{
  ssize_t size = recv (session->socket, session->packet, sizeof session->packet, MSG_DONTWAIT);
  /* A reset (the supervisor has closed without reading all of ours) is told once, ahead of what came before it. */
  if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
    return false;
  if (size <= 0) {
    session->status = EXIT_BY_SIGNAL + SIGKILL;
    session->socket = -1;
    return false;
  }
  switch ((enum packet) session->packet[0]) {
  case PACKET_WELCOME:
    take_over_terminal (session, session->packet[1] != 0);
    break;
  case PACKET_STDOUT:
  case PACKET_STDERR:
    if (!session->options->output[session->packet[0] == PACKET_STDERR])
      break;
    __attribute__ ((fallthrough));
  case PACKET_NOTE:
    session->target = &session->outputs[session->packet[0] != PACKET_STDOUT];
    session->size = (size_t) size;
    session->written = 1;
    break;
  case PACKET_TAKEN:
    session->credit = true;
    break;
  case PACKET_EXIT:
    session->status = (unsigned char) session->packet[1];
    break;
  case PACKET_HELLO:
  case PACKET_INPUT:
  case PACKET_INPUT_END:
  case PACKET_WINDOW:
  case PACKET_SIGNAL:
  default:
    break;
  }
  return true;
}

/* Nobody reads what we write: as for any program, that is the end. The container goes on. */
static void
write_output (struct session *session)
{
  size_t left = session->size - session->written;
  ssize_t wrote = output_write (session->target, session->packet + session->written, left);
  if (wrote > 0)
    session->written += (size_t) wrote;
  else if (wrote < 0 && errno != EINTR && errno != EAGAIN)
    session->status = EXIT_BY_SIGNAL + SIGPIPE;
}

static bool
has_pending (const struct session *session)
{
  return session->written < session->size;
}

/* Several, as long as our output takes them: a wait for each would cost more than what is moved. */
static void
take_packets (struct session *session)
{
  for (int i = 0; i < MAX_ROUNDS && session->status < 0 && take_packet (session); i++) {
    if (has_pending (session) && session->target->most == SIZE_MAX)
      write_output (session);
    if (has_pending (session))
      return;
  }
}

static void
wait_and_handle (struct session *session)
{
  bool pending = has_pending (session), typed = session->keys.typed > 0;
  struct pollfd fds[] = {
    { .fd = session->signals, .events = POLLIN },
    { .fd = pending ? session->target->fd : -1, .events = POLLOUT },
    { .fd = session->input && session->credit ? STDIN_FILENO : -1, .events = POLLIN },
    { .fd = pending ? -1 : session->socket, .events = POLLIN },
  };
  int ready = poll (fds, 4, typed ? KEY_MILLISECONDS : -1);
  if (ready == 0 && session->credit)
    release_keys (session);
  if (ready <= 0)
    return;
  if (fds[0].revents)
    take_signal (session);
  if (fds[1].revents)
    write_output (session);
  if (fds[2].revents)
    take_input (session);
  if (fds[3].revents)
    take_packets (session);
}

/* Of a container that has ended; -1 for any other. */
static int
recorded_status (const char *directory)
{
  char path[PATH_MAX], line[1024];
  int status = -1;
  bool exited = false;
  FILE *from = snprintf (path, sizeof path, "%s/status", directory) < PATH_MAX ? fopen (path, "re") : NULL;
  while (from && fgets (line, sizeof line, from)) {
    exited |= strcmp (line, "state exited\n") == 0;
    if (strncmp (line, "exit ", 5) == 0)
      status = atoi (line + 5);
  }
  if (from)
    fclose (from);
  return exited ? status : -1;
}

static int
without_supervisor (struct context *context, const char *directory)
{
  int status = directory ? recorded_status (directory) : -1;
  if (status >= 0)
    return status;
  fail_with (0, directory ? directory : "", "the container's supervisor died, and the container with it");
  report_failure (context, 0, "attach");
  return EXIT_BY_SIGNAL + SIGKILL;
}

int
client_run (struct context *context, int socket, const struct client_options *options, const char *directory)
{
  static struct session session;
  session = (struct session){ .options = options, .socket = socket, .input = options->input, .credit = true,
                              .status = -1 };
  if (!keys_parse (&session.keys, options->keys)) {
    fail_with (EINVAL, options->keys, "cannot read the keys that detach");
    report_failure (context, 0, "attach");
    return EXIT_OURS;
  }
  session.signals = take_over_signals ();
  for (int i = 0; i < 2; i++)
    session.outputs[i] = output_open (STDOUT_FILENO + i);
  send_packet (socket, PACKET_HELLO, &(char){ options->input }, 1, 0);
  end_if_idle (&session);
  while (session.status < 0)
    wait_and_handle (&session);
  raw_leave ();
  return session.socket < 0 ? without_supervisor (context, directory) : session.status;
}

int
client_attach (struct context *context, const char *directory, const struct client_options *options)
{
  autoclose int dir = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  autoclose int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  struct sockaddr_un address;
  if (dir < 0 || fd < 0 || !unix_address (&address, dir, "attach")) {
    fail (directory, "cannot attach");
    report_failure (context, 0, "attach");
    return EXIT_OURS;
  }
  if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    return without_supervisor (context, directory);
  return client_run (context, fd, options, directory);
}
