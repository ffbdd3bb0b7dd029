#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "process.h"
#include "protocol.h"
#include "raw.h"

/* How long a key that may be the first of those that detach is held back. */
#define KEY_MILLISECONDS 500
/* What a write to a pipe or terminal that is ready never waits for. */
#define WRITE_BYTES ((size_t) 4096)

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
  int target;
  int status; /* our exit status; -1: not yet */
};

static void
send_packet (const struct session *session, enum packet type, const void *bytes, size_t size)
{
  char first = (char) type;
  struct iovec parts[] = { { &first, 1 }, { (void *) (uintptr_t) bytes, size } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
  while (sendmsg (session->socket, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
    ;
}

static void
send_window (const struct session *session)
{
  struct winsize window;
  for (int fd = 0; fd <= 2; fd++)
    if (ioctl (fd, TIOCGWINSZ, &window) == 0) {
      send_packet (session, PACKET_WINDOW, &window, sizeof window);
      return;
    }
}

static void
send_input (struct session *session, const char *bytes, size_t size)
{
  if (size == 0)
    return;
  send_packet (session, PACKET_INPUT, bytes, size);
  session->credit = false;
}

static void
end_input (struct session *session)
{
  session->input = false;
  send_packet (session, PACKET_INPUT_END, "", 0);
}

static void
take_input (struct session *session)
{
  char in[PACKET_BYTES - MAX_KEYS], out[PACKET_BYTES];
  size_t size = 0;
  ssize_t got = read (STDIN_FILENO, in, sizeof in);
  if (got < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (got <= 0) {
    end_input (session);
    return;
  }
  if (!session->raw) {
    send_input (session, in, (size_t) got);
    return;
  }
  bool detach = keys_filter (&session->keys, in, (size_t) got, out, &size);
  send_input (session, out, size);
  if (detach)
    session->status = 0;
}

static void
release_keys (struct session *session)
{
  char out[MAX_KEYS];
  size_t size = 0;
  keys_release (&session->keys, out, &size);
  send_input (session, out, size);
}

static void
greet (struct session *session, bool terminal)
{
  session->terminal = terminal;
  session->raw = terminal && session->options->input && isatty (STDIN_FILENO);
  if (session->raw)
    raw_enter ();
  if (terminal)
    send_window (session);
}

static void
take_packet (struct session *session)
{
  ssize_t size = recv (session->socket, session->packet, sizeof session->packet, 0);
  /* A reset (the supervisor has closed without reading all of ours) is told once, ahead of what came before it. */
  if (size < 0 && (errno == EINTR || errno == ECONNRESET))
    return;
  if (size <= 0) {
    session->status = EXIT_BY_SIGNAL + SIGKILL;
    session->socket = -1;
    return;
  }
  switch ((enum packet) session->packet[0]) {
  case PACKET_WELCOME:
    greet (session, session->packet[1] != 0);
    break;
  case PACKET_STDOUT:
  case PACKET_STDERR:
  case PACKET_NOTE:
    session->target = session->packet[0] == PACKET_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
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
}

/* Nobody reads what we write: as for any program, that is the end. The container goes on. */
static void
write_output (struct session *session)
{
  size_t left = session->size - session->written;
  ssize_t wrote = write (session->target, session->packet + session->written, left < WRITE_BYTES ? left : WRITE_BYTES);
  if (wrote > 0)
    session->written += (size_t) wrote;
  else if (wrote < 0 && errno != EINTR && errno != EAGAIN)
    session->status = EXIT_BY_SIGNAL + SIGPIPE;
}

/* Ctrl-Z where the container has no terminal, or a stop from elsewhere: our shell gets its terminal back meanwhile. */
static void
stop_ourselves (const struct session *session)
{
  raw_leave ();
  kill (getpid (), SIGSTOP);
  if (session->raw)
    raw_enter ();
}

static void
take_signal (struct session *session)
{
  struct signalfd_siginfo info;
  if (read (session->signals, &info, sizeof info) != sizeof info)
    return;
  char number = (char) info.ssi_signo;
  if (number == SIGCHLD || number == SIGPIPE || number == SIGURG)
    return;
  if (number == SIGWINCH || number == SIGCONT) {
    if (session->raw && number == SIGCONT)
      raw_enter ();
    if (session->terminal)
      send_window (session);
  }
  if (session->options->proxy && !session->terminal)
    send_packet (session, PACKET_SIGNAL, &number, 1);
  else if (number != SIGWINCH && number != SIGCONT && number != SIGTSTP)
    session->status = EXIT_BY_SIGNAL + number;
  if (number == SIGTSTP)
    stop_ourselves (session);
}

static void
wait_and_handle (struct session *session)
{
  bool pending = session->written < session->size, typed = session->keys.typed > 0;
  struct pollfd fds[] = {
    { .fd = session->signals, .events = POLLIN },
    { .fd = pending ? session->target : -1, .events = POLLOUT },
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
    take_packet (session);
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

/* Stops for reading or writing a terminal that is another job's act as for any program. */
static int
open_signals (void)
{
  sigset_t all;
  sigfillset (&all);
  sigdelset (&all, SIGTTIN);
  sigdelset (&all, SIGTTOU);
  sigprocmask (SIG_SETMASK, &all, NULL);
  reset_dispositions ();
  return signalfd (-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
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
  session.signals = open_signals ();
  send_packet (&session, PACKET_HELLO, &(char){ options->input }, 1);
  while (session.status < 0)
    wait_and_handle (&session);
  raw_leave ();
  return session.socket < 0 ? without_supervisor (context, directory) : session.status;
}

int
client_attach (struct context *context, const char *directory, const struct client_options *options)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  autoclose int dir = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  autoclose int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/attach", dir);
  if (dir < 0 || fd < 0) {
    fail (directory, "cannot attach");
    report_failure (context, 0, "attach");
    return EXIT_OURS;
  }
  if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    return without_supervisor (context, directory);
  return client_run (context, fd, options, directory);
}
