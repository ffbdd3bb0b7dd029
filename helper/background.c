#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "network.h"
#include "process.h"
#include "record.h"
#include "run.h"
#include "service.h"
#include "watch.h"

/* Docker's: from 100 ms, doubled each time, up to a minute; anew once it has run for ten seconds. */
#define FIRST_DELAY 100
#define LAST_DELAY 60000
#define GOOD_SECONDS 10

static void
configure (struct service *service, const struct step *step)
{
  *service = (struct service){
    .log = { .directory = step_string (step, 0), .limit = step_integer (step, 1), .fd = -1 },
    .terminal = step_integer (step, 2) != 0,
    .policy = (enum input_policy) step_integer (step, 3),
    .restart = (enum restart_policy) step_integer (step, 4),
    .retries = (unsigned) step_integer (step, 5),
    .ready = -1,
    .program = -1,
    .theirs = { -1, -1, -1 },
    .console = { -1, -1 },
    .input = -1,
    .outputs = { -1, -1 },
    .peer = -1,
    .listener = -1,
  };
  for (size_t i = 0; i < MAX_CLIENTS; i++)
    service->clients[i].fd = -1;
}

static bool
path_in (const struct service *service, const char *name, char path[PATH_MAX])
{
  const char *directory = service->log.directory;
  return *directory && snprintf (path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

/* Not before the lock is ours: what lies there may still be somebody else's. */
int
step_supervise (struct context *context, const struct step *step)
{
  struct service *service = context->service;
  char stop[PATH_MAX];
  if (!service)
    return fail_with (EINVAL, step_string (step, 0), "this plan is for the background (expected start, not run)");
  if (!*service->log.directory || service->listener >= 0)
    return 0;
  if (path_in (service, "stop", stop))
    unlink (stop);
  return log_open (&service->log) < 0 ? -1 : clients_listen (service);
}

bool
service_stopped (struct service *service)
{
  char stop[PATH_MAX];
  if (path_in (service, "stop", stop) && access (stop, F_OK) == 0)
    service->stopped = true;
  return service->stopped;
}

static void
become_quiet (int fd)
{
  autoclose int null = open_null (O_RDWR);
  if (null < 0 || dup2 (null, fd) < 0)
    close (fd);
}

void
service_tell (struct context *context, int status)
{
  struct service *service = context->service;
  char byte = (char) status;
  if (!service || service->ready < 0)
    return;
  become_quiet (STDERR_FILENO);
  close_descriptor (&context->status_fd);
  (void) !write (service->ready, &byte, 1);
  close_descriptor (&service->ready);
}

static bool
restarts (struct service *service, int status, unsigned count)
{
  if (service->restart == RESTART_NO || !service->ran || service_stopped (service))
    return false;
  if (service->restart == RESTART_ON_FAILURE && (status == 0 || (service->retries > 0 && count >= service->retries)))
    return false;
  return true;
}

static void
tell_exit (struct service *service, int status)
{
  clients_send (service, PACKET_EXIT, &(char){ (char) status }, 1);
}

/* Runs the plan until it is not to be started again. What is left then is only to be delivered. */
static int
live (struct context *context)
{
  struct service *service = context->service;
  int status, delay = FIRST_DELAY;
  for (unsigned count = 0;; count++) {
    time_t began = time (NULL);
    service->ran = false;
    status = run_plan (context);
    if (!restarts (service, status, count))
      break;
    if (time (NULL) - began >= GOOD_SECONDS)
      delay = FIRST_DELAY;
    record_restarting (status);
    tell_exit (service, status);
    watch_pause (context, delay);
    if (service_stopped (service))
      break;
    delay = delay * 2 < LAST_DELAY ? delay * 2 : LAST_DELAY;
  }
  clients_stop_listening (service);
  record_exited (status);
  release_ports ();
  close_descriptor (&context->lock);
  service_tell (context, status);
  tell_exit (service, status);
  watch_pause (context, -1);
  return status;
}

static int
supervise (struct context *context, const struct step *step, int ready, int client)
{
  static struct service service;
  configure (&service, step);
  reset_signals ();
  setsid ();
  if (chdir ("/") < 0)
    return EXIT_OURS;
  context->service = &service;
  service.ready = ready;
  for (int fd = 0; fd <= 2 && ioctl (fd, TIOCGWINSZ, &service.window) < 0; fd++)
    ;
  become_quiet (STDIN_FILENO);
  become_quiet (STDOUT_FILENO);
  if (client >= 0)
    clients_add (&service, client, false);
  return live (context);
}

/* What would end us while the container is being started is for the supervisor. */
static int
wait_until_started (struct context *context, int ready, pid_t supervisor)
{
  sigset_t all;
  sigfillset (&all);
  autoclose int signals = signalfd (-1, &all, SFD_CLOEXEC);
  struct pollfd fds[] = { { .fd = ready, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
  struct signalfd_siginfo info;
  unsigned char status;
  while (poll (fds, 2, -1) < 0 || !fds[0].revents)
    if (fds[1].revents && read (signals, &info, sizeof info) == sizeof info && info.ssi_signo != SIGCHLD)
      kill (supervisor, (int) info.ssi_signo);
  if (read (ready, &status, 1) == 1)
    return status;
  fail_with (0, "", "the container's supervisor died");
  report_failure (context, 0, "start");
  return EXIT_OURS;
}

static const struct step *
find_supervise (const struct plan *plan)
{
  for (size_t i = 0; i < plan->clone; i++)
    if (plan->steps[i].kind == STEP_SUPERVISE)
      return &plan->steps[i];
  return NULL;
}

static int
refuse_start (struct context *context, const char *what)
{
  fail ("", "%s", what);
  report_failure (context, 0, "start");
  return EXIT_OURS;
}

int
start_in_background (struct context *context, const struct client_options *options)
{
  const struct step *step = find_supervise (context->plan);
  int ready[2], ends[2] = { -1, -1 };
  sigset_t all;
  errno = EPROTO;
  if (!step)
    return refuse_start (context, "the plan has no supervise step");
  if (pipe2 (ready, O_CLOEXEC) < 0
      || (options && socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0))
    return refuse_start (context, "cannot make a pipe");
  sigfillset (&all);
  sigprocmask (SIG_BLOCK, &all, NULL);
  pid_t supervisor = fork ();
  if (supervisor < 0)
    return refuse_start (context, "cannot start the container's supervisor");
  if (supervisor == 0) {
    close (ready[0]);
    close_descriptor (&ends[0]);
    _exit (supervise (context, step, ready[1], ends[1]));
  }
  close (ready[1]);
  close_descriptor (&ends[1]);
  int status = wait_until_started (context, ready[0], supervisor);
  return status == 0 && options ? client_run (context, ends[0], options, NULL) : status;
}
