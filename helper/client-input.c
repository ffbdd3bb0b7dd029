#include "client-input.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "process.h"

static void
send_window (const struct session *session)
{
  struct winsize window;
  for (int fd = 0; fd <= 2; fd++)
    if (ioctl (fd, TIOCGWINSZ, &window) == 0) {
      send_packet (session->socket, PACKET_WINDOW, &window, sizeof window, 0);
      return;
    }
}

static void
send_input (struct session *session, const char *bytes, size_t size)
{
  if (size == 0)
    return;
  send_packet (session->socket, PACKET_INPUT, bytes, size, 0);
  session->credit = false;
}

void
end_if_idle (struct session *session)
{
  const struct client_options *options = session->options;
  if (!session->input && !options->output[0] && !options->output[1])
    session->status = 0;
}

static void
end_input (struct session *session)
{
  session->input = false;
  send_packet (session->socket, PACKET_INPUT_END, "", 0, 0);
  end_if_idle (session);
}

void
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

void
release_keys (struct session *session)
{
  char out[MAX_KEYS];
  size_t size = 0;
  keys_release (&session->keys, out, &size);
  send_input (session, out, size);
}

void
take_over_terminal (struct session *session, bool terminal)
{
  session->terminal = terminal;
  session->raw = terminal && session->options->input && isatty (STDIN_FILENO);
  if (session->raw)
    raw_enter ();
  if (terminal)
    send_window (session);
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

void
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
    send_packet (session->socket, PACKET_SIGNAL, &number, 1, 0);
  else if (number != SIGWINCH && number != SIGCONT && number != SIGTSTP)
    session->status = EXIT_BY_SIGNAL + number;
  if (number == SIGTSTP)
    stop_ourselves (session);
}

int
take_over_signals (void)
{
  sigset_t all;
  sigfillset (&all);
  sigdelset (&all, SIGTTIN);
  sigdelset (&all, SIGTTOU);
  sigprocmask (SIG_SETMASK, &all, NULL);
  reset_dispositions ();
  return signalfd (-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}
